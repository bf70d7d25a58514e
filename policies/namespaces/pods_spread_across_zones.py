"""Pods spread across zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DEPLOYMENT
from policies.rule import Rule, Verdict
from policies.stack import at, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

ZONE = "topology.kubernetes.io/zone"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Tenants' deployments that may crowd in one zone."""
    for resource, pod in stack.pods if stack.kind == "tenant" else ():
        if resource.type != DEPLOYMENT:
            continue
        spreads = listed(at(pod, "topologySpreadConstraints"))
        zones = [each for each in spreads if each.get("topologyKey") == ZONE]
        if [each.get("maxSkew") for each in zones] != [1]:
            yield Verdict(resource, f"topologySpreadConstraints is {shown(spreads)}")
        else:
            yield Verdict(resource)


RULE = Rule(
    __name__,
    severity="medium",
    why="A zone that fails would otherwise take every pod of a service with it.",
    remedy="Add a topology spread constraint on topology.kubernetes.io/zone with maxSkew 1.",
    evaluate=evaluate,
)
