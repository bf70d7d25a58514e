"""A database leaves a final snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE
from policies.rule import Rule, differences, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE, needed_in=("cell",))
def evaluate(cluster: Resource, _: Stack) -> Iterator[str]:
    """Databases that would go without a trace."""
    yield from differences(cluster, {"skipFinalSnapshot": False})
    if not at(cluster.inputs, "finalSnapshotIdentifier"):
        yield "finalSnapshotIdentifier is not set"


RULE = Rule(
    __name__,
    severity="high",
    why="It is what a mistaken deletion is undone from.",
    remedy="Set skipFinalSnapshot to false and name finalSnapshotIdentifier.",
    evaluate=evaluate,
)
