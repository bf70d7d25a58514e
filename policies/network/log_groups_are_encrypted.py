"""Log groups are encrypted with the platform's own keys, and do not keep logs for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import LOG_GROUP
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(LOG_GROUP, needed_in=("cell",))
def evaluate(group: Resource, stack: Stack) -> Iterator[str]:
    """Keys that are missing or somebody else's, and logs without an end."""
    yield from stack.key_problems(group, "kmsKeyId")
    days = at(group.inputs, "retentionInDays")
    if days is not UNKNOWN and not days:
        yield f"retentionInDays is {shown(days)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="Logs hold addresses, names and statements; whoever reads the storage would read them.",
    remedy="Set kmsKeyId and retentionInDays.",
    evaluate=evaluate,
)
