"""Performance Insights is on, encrypted with the cell's or the tenant's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE_INSTANCE
from policies.rule import Rule, differences, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE_INSTANCE, needed_in=("cell",))
def evaluate(instance: Resource, stack: Stack) -> Iterator[str]:
    """Instances without it, or under a key that is not ours."""
    yield from differences(instance, {"performanceInsightsEnabled": True})
    yield from stack.key_problems(instance, "performanceInsightsKmsKeyId")


RULE = Rule(
    __name__,
    severity="low",
    why="Which statement made a database slow can't be seen afterwards; its texts hold "
    "tenants' data.",
    remedy="Set performanceInsightsEnabled and performanceInsightsKmsKeyId.",
    evaluate=evaluate,
)
