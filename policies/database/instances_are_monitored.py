"""Enhanced monitoring is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE_INSTANCE
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE_INSTANCE, needed_in=("cell",))
def evaluate(instance: Resource, _: Stack) -> Iterator[str]:
    """Instances that tell nothing of their host."""
    seconds = at(instance.inputs, "monitoringInterval")
    if seconds is not UNKNOWN and not seconds:
        yield f"monitoringInterval is {shown(seconds)}"
    if not at(instance.inputs, "monitoringRoleArn"):
        yield "monitoringRoleArn is not set"


RULE = Rule(
    __name__,
    severity="low",
    why="What the host does between two minutes' averages stays hidden.",
    remedy="Set monitoringInterval and monitoringRoleArn.",
    evaluate=evaluate,
)
