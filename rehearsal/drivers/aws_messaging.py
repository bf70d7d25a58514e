"""Drivers for SNS topics and SQS queues, whose settings are attributes: each a name and a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging, of
from rehearsal.drivers.aws_driver import AwsDriver
from rehearsal.drivers.aws_parameters import text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.drivers.base import Driver, Inputs


def _attributes(names: Mapping[str, str]) -> Callable[[Inputs], Inputs]:
    """Gather the properties in `names` under `attributes`."""

    def reshape(inputs: Inputs) -> Inputs:
        rest = {k: v for k, v in inputs.items() if k not in names}
        attributes = {names[k]: text(v) for k, v in inputs.items() if k in names and v is not None}
        return {**rest, "attributes": attributes} if attributes else rest

    return reshape


def _one_by_one(operation: str, target: str, names: Mapping[str, str]) -> Step:
    """SNS sets one attribute a call."""

    def do(subject: Subject) -> None:
        for ours, api in names.items():
            value = subject.inputs.get(ours)
            if value != subject.before.get(ours):
                getattr(subject.api, operation)(
                    **{target: subject.id},
                    AttributeName=api,
                    AttributeValue="" if value is None else text(value),
                )

    return Step(set(names), do)


_TOPIC = {
    "displayName": "DisplayName",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
    "fifoTopic": "FifoTopic",
    "contentBasedDeduplication": "ContentBasedDeduplication",
}
TOPIC = AwsDriver(
    service="sns",
    create_by=Call("create_topic", takes=("name", *_TOPIC), reshape=_attributes(_TOPIC)),
    updates=(_one_by_one("set_topic_attributes", "TopicArn", _TOPIC),),
    delete_by=(Call("delete_topic", given=lambda s: {"TopicArn": s.id}),),
    id_is="TopicArn",
    outputs_are={"arn": lambda s: s.id, "owner": lambda s: s.cloud.account},
    named="name",
    tagging=Tagging("tag_resource", "untag_resource", lambda s: {"ResourceArn": s.id}),
    replaced_by=frozenset({"name", "namePrefix", "fifoTopic"}),
)


def _default_policy(subject: Subject) -> None:
    """Back to the policy that a topic starts with: its own account may do everything."""
    subject.api.set_topic_attributes(
        TopicArn=subject.inputs["arn"],
        AttributeName="Policy",
        AttributeValue=(
            '{"Version":"2008-10-17","Statement":[{"Sid":"__default_statement_ID",'
            '"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:Publish"],'
            f'"Resource":"{subject.inputs["arn"]}","Condition":{{"StringEquals":'
            f'{{"AWS:SourceOwner":"{subject.cloud.account}"}}}}}}]}}'
        ),
    )


_TOPIC_POLICY = Call(
    "set_topic_attributes",
    takes=("arn", "policy"),
    rename={"arn": "TopicArn", "policy": "AttributeValue"},
    given=lambda _: {"AttributeName": "Policy"},
)
TOPIC_POLICY = AwsDriver(
    service="sns",
    create_by=_TOPIC_POLICY,
    updates=(_TOPIC_POLICY,),
    delete_by=(_default_policy,),
    id_is=of("arn"),
    outputs_are={"owner": lambda s: s.cloud.account},
    replaced_by=frozenset({"arn"}),
)

_SUBSCRIPTION = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}
TOPIC_SUBSCRIPTION = AwsDriver(
    service="sns",
    create_by=Call(
        "subscribe",
        takes=("topic", "protocol", "endpoint", *_SUBSCRIPTION),
        rename={"topic": "TopicArn"},
        reshape=_attributes(_SUBSCRIPTION),
        given=lambda _: {"ReturnSubscriptionArn": True},
    ),
    read_by=Call("get_subscription_attributes", given=lambda s: {"SubscriptionArn": s.id}),
    updates=(_one_by_one("set_subscription_attributes", "SubscriptionArn", _SUBSCRIPTION),),
    delete_by=(Call("unsubscribe", given=lambda s: {"SubscriptionArn": s.id}),),
    id_is="SubscriptionArn",
    outputs_are={
        "arn": lambda s: s.id,
        "ownerId": "Attributes.Owner",
        "pendingConfirmation": "Attributes.PendingConfirmation == 'true'",
    },
    replaced_by=frozenset({"topic", "protocol", "endpoint"}),
    steering=frozenset({"endpointAutoConfirms", "confirmationTimeoutInMinutes"}),
)

_QUEUE = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}


def _queue(subject: Subject) -> dict[str, str]:
    return {"QueueUrl": subject.id}


QUEUE = AwsDriver(
    service="sqs",
    create_by=Call(
        "create_queue",
        takes=("name", *_QUEUE),
        rename={"name": "QueueName"},
        reshape=_attributes(_QUEUE),
    ),
    read_by=Call(
        "get_queue_attributes", given=lambda s: {**_queue(s), "AttributeNames": ["QueueArn"]}
    ),
    updates=(
        Call(
            "set_queue_attributes",
            given=_queue,
            takes=_QUEUE,
            reshape=_attributes(_QUEUE),
            partial=True,
        ),
    ),
    delete_by=(Call("delete_queue", given=_queue),),
    id_is="QueueUrl",
    outputs_are={"arn": "Attributes.QueueArn", "url": lambda s: s.id},
    named="name",
    tagging=Tagging("tag_queue", "untag_queue", _queue),
    replaced_by=frozenset({"name", "namePrefix", "fifoQueue"}),
)

_QUEUE_POLICY = Call(
    "set_queue_attributes",
    takes=("queueUrl", "policy"),
    reshape=_attributes({"policy": "Policy"}),
)
QUEUE_POLICY = AwsDriver(
    service="sqs",
    create_by=_QUEUE_POLICY,
    updates=(_QUEUE_POLICY,),
    delete_by=(
        Call(
            "set_queue_attributes",
            given=lambda s: {"QueueUrl": s.inputs["queueUrl"], "Attributes": {"Policy": ""}},
        ),
    ),
    id_is=of("queueUrl"),
    replaced_by=frozenset({"queueUrl"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:sns/topic:Topic": TOPIC,
    "aws:sns/topicPolicy:TopicPolicy": TOPIC_POLICY,
    "aws:sns/topicSubscription:TopicSubscription": TOPIC_SUBSCRIPTION,
    "aws:sqs/queue:Queue": QUEUE,
    "aws:sqs/queuePolicy:QueuePolicy": QUEUE_POLICY,
}
