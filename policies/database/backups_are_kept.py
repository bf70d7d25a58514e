"""Backups are kept for 35 days in production, for a week at least elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

DAYS = {"prod": 35}
LEAST = 7


@each(DATABASE, needed_in=("cell",))
def evaluate(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Databases whose backups go earlier."""
    days = at(cluster.inputs, "backupRetentionPeriod")
    least = DAYS.get(stack.environment, LEAST)
    if days is not UNKNOWN and not (isinstance(days, int | float) and days >= least):
        yield f"backupRetentionPeriod is {shown(days)}, not {least} or more"


RULE = Rule(
    __name__,
    severity="high",
    why="Damage that is found late can't be undone from backups that are gone.",
    remedy="Raise backup_retention_days in the cell's file.",
    evaluate=evaluate,
)
