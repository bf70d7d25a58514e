"""What RDS itself reports about a database cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

CLUSTER_EVENTS = (
    "configuration change",
    "creation",
    "deletion",
    "failover",
    "failure",
    "maintenance",
    "notification",
)
INSTANCE_EVENTS = (
    "availability",
    "configuration change",
    "creation",
    "deletion",
    "failover",
    "failure",
    "low storage",
    "maintenance",
    "notification",
    "recovery",
    "restoration",
    "security",
)


class DatabaseEvents(pulumi.ComponentResource):
    """A cluster's and its instances' events, told to a topic."""

    def __init__(
        self,
        name: str,
        *,
        identifier: str,
        cluster: aws.rds.Cluster,
        instances: Sequence[aws.rds.ClusterInstance],
        topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:DatabaseEvents", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        aws.rds.EventSubscription(
            f"{name}-cluster",
            name=f"{identifier}-cluster",
            sns_topic=topic_arn,
            source_type="db-cluster",
            source_ids=[cluster.cluster_identifier],
            event_categories=list(CLUSTER_EVENTS),
            enabled=True,
            opts=child,
        )
        aws.rds.EventSubscription(
            f"{name}-instances",
            name=f"{identifier}-instances",
            sns_topic=topic_arn,
            source_type="db-instance",
            source_ids=[instance.identifier for instance in instances],
            event_categories=list(INSTANCE_EVENTS),
            enabled=True,
            opts=child,
        )
        self.register_outputs({})
