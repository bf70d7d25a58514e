"""Control-plane logs are archived in the audit account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BUCKET, CLUSTER, LOG_SUBSCRIPTION
from policies.rule import Rule, each
from policies.stack import at
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"


@each(CLUSTER, needed_in=("cell",))
def evaluate(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Clusters whose audit log is not written, or stays in the cell's account."""
    written = at(cluster.inputs, "enabledClusterLogTypes")
    if written is not UNKNOWN and "audit" not in (written or ()):
        yield "enabledClusterLogTypes lacks audit"
    wanted = f"/aws/eks/{at(cluster.inputs, 'name')}/cluster"
    subscriptions = [
        each for each in stack.of_type(LOG_SUBSCRIPTION) if each.inputs.get("logGroup") == wanted
    ]
    if not subscriptions:
        yield f"{wanted} is not subscribed to"
    for subscription in subscriptions:
        streams = stack.referred(subscription, "destinationArn", STREAM)
        if not streams and at(subscription.inputs, "destinationArn") is not UNKNOWN:
            yield f"{wanted} goes to no delivery stream"
        for stream in streams:
            if stack.referred(stream, "extendedS3Configuration.bucketArn", BUCKET):
                yield f"{wanted} is archived in the cell's own account"


RULE = Rule(
    __name__,
    severity="medium",
    why="Whoever takes over a cell's account could otherwise remove what tells of it.",
    remedy="Subscribe the group to the log archive's delivery stream, which writes to a "
    "bucket outside the cell.",
    evaluate=evaluate,
)
