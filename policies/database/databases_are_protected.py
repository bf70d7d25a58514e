"""Databases are protected from deletion, by AWS and by Pulumi."""

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
    """Protections that are off."""
    yield from differences(cluster, {"deletionProtection": True})
    if not cluster.protect and not stack.idle(cluster):
        yield "the option protect is off"
    if not cluster.retain_on_delete:
        yield "the option retain_on_delete is off"


RULE = Rule(
    __name__,
    severity="high",
    why="One wrong line in a pull request would otherwise delete every tenant's rows of a pool.",
    remedy="Set deletionProtection, and the options protect and retain_on_delete.",
    evaluate=evaluate,
)
