"""Writer and readers are in different zones while zones last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.databases import instances
from policies.resource_types import DATABASE, DATABASE_INSTANCE
from policies.rule import Rule, Verdict, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE, needed_in=("cell",))
def of_clusters(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Clusters without instances, and such whose instances share a zone."""
    zones = [at(each.inputs, "availabilityZone") for each in instances(stack, cluster)]
    if not zones:
        yield "it has no instances"
    elif UNKNOWN not in zones and len(set(zones)) < min(len(zones), 2):
        yield f"its instances lie in {shown(zones)}"


@each(DATABASE_INSTANCE, needed_in=("cell",))
def of_instances(instance: Resource, _: Stack) -> Iterator[str]:
    """Instances that AWS puts where it likes."""
    if not at(instance.inputs, "availabilityZone"):
        yield "availabilityZone is not set"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Clusters, and their instances."""
    yield from of_clusters(stack)
    yield from of_instances(stack)


RULE = Rule(
    __name__,
    severity="medium",
    why="Instances in one zone fail together, and the failover has nowhere to go.",
    remedy="Set availabilityZone of each instance to another zone of the cell.",
    evaluate=evaluate,
)
