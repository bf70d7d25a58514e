"""Logical replication is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.databases import parameters
from policies.resource_types import DATABASE_PARAMETERS
from policies.rule import Rule, each
from policies.stack import shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE_PARAMETERS, needed_in=("cell",))
def evaluate(group: Resource, _: Stack) -> Iterator[str]:
    """Groups from which no tenant can move."""
    values = parameters(group)
    if (given := values.get("rds.logical_replication")) not in ("1", UNKNOWN):
        yield f"rds.logical_replication is {shown(given)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="Turning it on takes a restart of the database: too late when a tenant is to move.",
    remedy="Set rds.logical_replication to 1.",
    evaluate=evaluate,
)
