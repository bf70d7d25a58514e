"""What Karpenter needs of AWS: its own role, its nodes' role, and word of interruptions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pulumi
import pulumi_aws as aws

from catalog import names
from components.aws.karpenter_rights import controller_statements
from components.aws.node_role import NodeRole
from components.aws.policy_document import policy_document
from components.aws.workload_role import WorkloadRole

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE: Final = "karpenter"
SERVICE_ACCOUNT: Final = "karpenter"

QUEUE_RETENTION_SECONDS: Final = 300
"""A spot interruption comes two minutes ahead; what is older than five is of no use."""

EVENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "spot-interruption": {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Spot Instance Interruption Warning"],
    },
    "rebalance": {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Instance Rebalance Recommendation"],
    },
    "state-change": {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Instance State-change Notification"],
    },
    "health": {"source": ["aws.health"], "detail-type": ["AWS Health Event"]},
}
"""Source: https://karpenter.sh/docs/reference/cloudformation/#interruption-handling"""


class Karpenter(pulumi.ComponentResource):
    """The AWS side of Karpenter for one cluster; its charts and node classes are Kubernetes'.

    Nodes that Karpenter starts join by an access entry of type EC2_LINUX. The controller may touch
    only instances that carry this cluster's tag.
    """

    queue_name: pulumi.Output[str]
    controller_role_arn: pulumi.Output[str]
    node_role_name: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
    instance_profile_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        cluster_name: str,
        cluster_arn: pulumi.Input[str],
        account: str,
        region: str,
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Karpenter", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._name = name
        # The name by way of the ARN: what carries it waits for the cluster itself.
        existing = pulumi.Output.from_input(cluster_arn).apply(lambda arn: arn.rpartition("/")[2])
        queue = self._declare_queue(cluster_name, key_arn)
        nodes = NodeRole(
            f"{name}-nodes", cluster_name=cluster_name, part="karpenter-nodes", opts=child
        )
        # Declared here because Karpenter would need rights on IAM, and a way to it, to make one.
        profile = aws.iam.InstanceProfile(
            f"{name}-nodes-profile",
            name=names.fit(f"{cluster_name}-karpenter-nodes", _PROFILE_LIMIT),
            role=nodes.role_name,
            opts=child,
        )
        aws.eks.AccessEntry(
            f"{name}-nodes-entry",
            cluster_name=existing,
            principal_arn=nodes.role_arn,
            type="EC2_LINUX",
            opts=child,
        )
        controller = WorkloadRole(
            f"{name}-controller",
            role_name=names.fit(f"{cluster_name}-karpenter", names.ROLE_LIMIT),
            cluster_name=existing,
            cluster_arn=cluster_arn,
            account=account,
            namespace=NAMESPACE,
            service_account=SERVICE_ACCOUNT,
            statements=controller_statements(
                cluster_name=cluster_name,
                cluster_arn=cluster_arn,
                account=account,
                region=region,
                node_role_arn=nodes.role_arn,
                queue_arn=queue.arn,
                key_arn=key_arn,
            ),
            opts=child,
        )
        self.queue_name = queue.name
        self.controller_role_arn = controller.role_arn
        self.node_role_name = nodes.role_name
        self.node_role_arn = nodes.role_arn
        self.instance_profile_name = profile.name
        self.register_outputs(
            {"queue_name": self.queue_name, "node_role_name": self.node_role_name}
        )

    def _declare_queue(self, cluster_name: str, key_arn: pulumi.Input[str]) -> aws.sqs.Queue:
        child = pulumi.ResourceOptions(parent=self)
        queue = aws.sqs.Queue(
            f"{self._name}-queue",
            name=names.fit(f"{cluster_name}-interruptions", _QUEUE_LIMIT),
            message_retention_seconds=QUEUE_RETENTION_SECONDS,
            kms_master_key_id=key_arn,
            opts=child,
        )
        rules = []
        for event, pattern in EVENTS.items():
            rule = aws.cloudwatch.EventRule(
                f"{self._name}-{event}",
                description=f"Interruptions of {cluster_name}: {event}",
                event_pattern=json.dumps(pattern, sort_keys=True),
                opts=child,
            )
            aws.cloudwatch.EventTarget(
                f"{self._name}-{event}-target", rule=rule.name, arn=queue.arn, opts=child
            )
            rules.append(rule.arn)
        aws.sqs.QueuePolicy(
            f"{self._name}-queue-policy",
            queue_url=queue.url,
            policy=policy_document(
                [
                    {
                        "Sid": "InterruptionsArrive",
                        "Effect": "Allow",
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": queue.arn,
                        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
                    },
                    {
                        "Sid": "NothingInClear",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "sqs:*",
                        "Resource": queue.arn,
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ]
            ),
            opts=child,
        )
        return queue


_QUEUE_LIMIT: Final = 80
_PROFILE_LIMIT: Final = 128
