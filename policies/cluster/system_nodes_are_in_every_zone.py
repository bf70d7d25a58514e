"""There is a system node group in every zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import CLUSTER, NODE_GROUP, SUBNET
from policies.rule import Rule, Verdict
from policies.stack import at, listed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Groups that span zones or may be empty, and zones without a group."""
    served = set()
    for group in stack.of_type(NODE_GROUP):
        subnets = at(group.inputs, "subnetIds")
        homes = stack.referred(group, "subnetIds", SUBNET)
        served |= {at(home.inputs, "availabilityZone") for home in homes}
        minimum = at(group.inputs, "scalingConfig.minSize")
        if subnets is not UNKNOWN and len(listed(subnets)) != 1:
            yield Verdict(group, f"subnetIds has {len(listed(subnets))} subnets, not one")
        elif minimum is not UNKNOWN and not (isinstance(minimum, int | float) and minimum >= 1):
            yield Verdict(group, f"scalingConfig.minSize is {shown(minimum)}")
        else:
            yield Verdict(group)
    for cluster in stack.of_type(CLUSTER):
        homes = stack.referred(cluster, "vpcConfig.subnetIds", SUBNET)
        zones = {at(home.inputs, "availabilityZone") for home in homes}
        if missing := zones - served:
            yield Verdict(cluster, f"no system nodes in {', '.join(sorted(map(str, missing)))}")


RULE = Rule(
    __name__,
    severity="medium",
    why="A group that spans zones may have all its nodes in one, and what steers the "
    "cluster goes with it.",
    remedy="Declare one node group per private subnet, with a minimum of one node.",
    evaluate=evaluate,
)
