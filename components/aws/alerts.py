"""The topic through which one account tells the security contact what must not wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from components.aws.policy_document import policy_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.aws.policy_document import Statement


class Alerts(pulumi.ComponentResource):
    """An encrypted topic that the named services of its own account publish to, read by e-mail.

    The contact confirms the subscription once, by a link that SNS sends.
    """

    topic_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        topic_name: str,
        account: str,
        key_arn: pulumi.Input[str],
        email: str,
        publishers: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Alerts", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            f"{name}-topic", name=topic_name, kms_master_key_id=key_arn, opts=child
        )
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=policy_document(
                [
                    *(_publishes(service, account, topic.arn) for service in publishers),
                    {
                        "Sid": "OnlyOverTls",
                        "Effect": "Deny",
                        "Principal": {"AWS": "*"},
                        "Action": "sns:Publish",
                        "Resource": topic.arn,
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ]
            ),
            opts=child,
        )
        aws.sns.TopicSubscription(
            f"{name}-email",
            topic=topic.arn,
            protocol="email",
            endpoint=email,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.topic_arn = topic.arn
        self.register_outputs({"topic_arn": self.topic_arn})


def _publishes(service: str, account: str, topic_arn: pulumi.Input[str]) -> Statement:
    statement: dict[str, Any] = {
        "Sid": service.split(".")[0].title() + "Publishes",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": topic_arn,
    }
    # EventBridge says of no account that it publishes for it; a condition would shut it out.
    if service != "events.amazonaws.com":
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return statement
