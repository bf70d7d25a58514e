"""No connection goes without TLS."""

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
    """Groups that let connections be in plain."""
    values = parameters(group)
    if (given := values.get("rds.force_ssl")) not in ("1", UNKNOWN):
        yield f"rds.force_ssl is {shown(given)}"


RULE = Rule(
    __name__,
    severity="high",
    why="Passwords and rows would cross the network in plain.",
    remedy="Set rds.force_ssl to 1.",
    evaluate=evaluate,
)
