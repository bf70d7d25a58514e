"""Failover priority says who is writer next."""

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


@each(DATABASE_INSTANCE, needed_in=("cell",))
def of_instances(instance: Resource, _: Stack) -> Iterator[str]:
    """Instances without a tier."""
    tier = at(instance.inputs, "promotionTier")
    if tier is not UNKNOWN and not isinstance(tier, int | float):
        yield f"promotionTier is {shown(tier)}"


@each(DATABASE, needed_in=("cell",))
def of_clusters(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Clusters whose instances share one."""
    tiers = [at(each.inputs, "promotionTier") for each in instances(stack, cluster)]
    known = [each for each in tiers if isinstance(each, int | float)]
    if len(set(known)) < len(known):
        yield f"promotionTier of its instances is {shown(tiers)}"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Instances, and clusters."""
    yield from of_instances(stack)
    yield from of_clusters(stack)


RULE = Rule(
    __name__,
    severity="low",
    why="AWS otherwise takes any instance, also one that was made for reports.",
    remedy="Number promotionTier from the writer's 0 on.",
    evaluate=evaluate,
)
