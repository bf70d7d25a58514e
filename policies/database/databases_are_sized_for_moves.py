"""Slots, senders and workers are enough for tenants of a pool to move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.databases import parameters
from policies.resource_types import DATABASE_PARAMETERS
from policies.rule import Rule, each
from policies.stack import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

LEAST = 4
ABOVE = {
    "max_replication_slots": "",
    "max_wal_senders": "max_replication_slots",
    "max_logical_replication_workers": "",
    "max_worker_processes": "max_logical_replication_workers",
}
"""The parameters, each with the one that it must be above."""


@each(DATABASE_PARAMETERS, needed_in=("cell",))
def evaluate(group: Resource, _: Stack) -> Iterator[str]:
    """Numbers that are too low, or do not fit each other."""
    values = parameters(group)
    for key in ABOVE:
        given, least = number(values, key), LEAST
        if ABOVE[key]:
            least = max(LEAST, (number(values, ABOVE[key]) or 0) + 1)
        if given is None or given < least:
            yield f"{key} is {shown(values.get(key))}, not {least} or more"


def number(values: dict[str, Any], key: str) -> int | None:
    """A parameter that is a number."""
    text = str(values.get(key))
    return int(text) if text.isdigit() else None


RULE = Rule(
    __name__,
    severity="medium",
    why="A move that finds no slot fails after its copy has begun, and raising the number "
    "takes a restart.",
    remedy="Raise max_replication_slots and the numbers that must be above it.",
    evaluate=evaluate,
)
