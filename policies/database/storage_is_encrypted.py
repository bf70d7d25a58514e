"""A database's storage is encrypted with the cell's or the tenant's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE
from policies.rule import Rule, differences, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE, needed_in=("cell",))
def evaluate(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Storage in plain, or under a key that is not ours."""
    yield from differences(cluster, {"storageEncrypted": True})
    yield from stack.key_problems(cluster, "kmsKeyId")


RULE = Rule(
    __name__,
    severity="high",
    why="It can't be turned on later without making the database anew, and AWS' own key "
    "can't be taken away from anybody.",
    remedy="Set storageEncrypted and kmsKeyId.",
    evaluate=evaluate,
)
