"""Where alarms and events of a cell go, and whom they reach."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.aws.policy_document import policy_document

PUBLISHERS = ("cloudwatch.amazonaws.com", "events.rds.amazonaws.com")


class AlarmTopic(pulumi.ComponentResource):
    """An encrypted topic to which only AWS's alarms and events of this account may publish.

    The key must let in the publishers: see `components.aws.keys.alarms_publish`.
    """

    topic_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        topic_name: str,
        account: str,
        email: str,
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:AlarmTopic", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            f"{name}-topic", name=topic_name, kms_master_key_id=key_arn, opts=child
        )
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=policy_document(
                [
                    {
                        "Sid": "AlarmsPublish",
                        "Effect": "Allow",
                        "Principal": {"Service": list(PUBLISHERS)},
                        "Action": "sns:Publish",
                        "Resource": topic.arn,
                        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                    },
                    # EventBridge states no source account when it publishes to a topic.
                    {
                        "Sid": "EventsPublish",
                        "Effect": "Allow",
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": topic.arn,
                    },
                    {
                        "Sid": "TlsOnly",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "sns:Publish",
                        "Resource": topic.arn,
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ]
            ),
            opts=child,
        )
        aws.sns.TopicSubscription(
            f"{name}-email", topic=topic.arn, protocol="email", endpoint=email, opts=child
        )
        # RDS tries to publish when it is told of the topic, so the policy must stand by then.
        self.topic_arn = policy.arn
        self.register_outputs({"topic_arn": self.topic_arn})
