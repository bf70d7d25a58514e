"""Control-plane logs are hot for 30 days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import CLUSTER, LOG_GROUP
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

DAYS = 30


@each(CLUSTER, needed_in=("cell",))
def evaluate(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Clusters without their group, and groups that keep logs for another time."""
    name = at(cluster.inputs, "name")
    if name is UNKNOWN:
        return
    wanted = f"/aws/eks/{name}/cluster"
    group = stack.found(wanted, LOG_GROUP)
    if group is None:
        yield f"no log group is named {wanted}"
    elif (days := at(group.inputs, "retentionInDays")) is not UNKNOWN and days != DAYS:
        yield f"{wanted} keeps logs for {shown(days)} days, not {DAYS}"


RULE = Rule(
    __name__,
    severity="medium",
    why="EKS makes the group itself where there is none: unencrypted, and kept for ever "
    "at the price of hot storage.",
    remedy="Declare the group /aws/eks/<cluster>/cluster with retentionInDays 30.",
    evaluate=evaluate,
)
