"""Every database is Aurora PostgreSQL with a writer and a reader at least."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.databases import instances
from policies.resource_types import DATABASE
from policies.rule import Rule, differences, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE, needed_in=("cell",))
def evaluate(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Other engines, and clusters of one instance."""
    yield from differences(cluster, {"engine": "aurora-postgresql"})
    found = instances(stack, cluster)
    if len(found) < 2:
        yield f"it has {len(found)} instances"


RULE = Rule(
    __name__,
    severity="high",
    why="Without a reader a failover waits until a new instance is up: minutes instead of seconds.",
    remedy="Set readers to one or more.",
    evaluate=evaluate,
)
