"""The network goes last: the cluster waits for it, and goes before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import CLUSTER, SUBNET
from policies.rule import Rule, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(CLUSTER, needed_in=("cell",))
def evaluate(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Clusters that may be made before their network, and so deleted after it."""
    before = stack.awaited(cluster.urn)
    homes = stack.referred(cluster, "vpcConfig.subnetIds", SUBNET)
    if not at(cluster.inputs, "vpcConfig.subnetIds"):
        yield "vpcConfig.subnetIds is not set"
    for home in homes:
        if home.urn not in before:
            yield f"it does not wait for {home.name}"


RULE = Rule(
    __name__,
    severity="low",
    why="A subnet can't be deleted while something lies in it, and the destroy hangs.",
    remedy="Let the cluster depend on the whole network.",
    evaluate=evaluate,
)
