"""Karpenter's nodes stay with nobody: pools go while the controller still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import NODE_POOL, RELEASE
from policies.rule import Rule, each
from policies.stack import at
from policies.workloads import is_karpenter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(NODE_POOL, needed_in=("cell",))
def evaluate(pool: Resource, stack: Stack) -> Iterator[str]:
    """Pools that outlive their controller."""
    before = stack.awaited(pool.urn)
    releases = [each for each in stack.of_type(RELEASE) if is_karpenter(each, stack)]
    if not any(release.urn in before for release in releases):
        yield "it does not wait for Karpenter's release"
    if not at(pool.inputs, "spec.template.spec.terminationGracePeriod"):
        yield "spec.template.spec.terminationGracePeriod is not set"


RULE = Rule(
    __name__,
    severity="medium",
    why="Nodes that nobody drains stay, are paid for, and hold the network.",
    remedy="Let pools depend on the release, and set terminationGracePeriod.",
    evaluate=evaluate,
)
