"""The reader endpoint is exported beside the writer's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE
from policies.rule import Rule, Verdict
from policies.stack import at, shown
from rehearsal.values import UNKNOWN, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Databases of which readers can't be found, and such as have none."""
    exported = stack.graph.exports.get("databases")
    known = exported is not UNKNOWN and not isinstance(exported, Secret)
    pairs = [
        (at(each, "writer_endpoint"), at(each, "reader_endpoint"))
        for each in (exported.values() if isinstance(exported, dict) else ())
    ]
    for writer, reader in pairs:
        if not reader or (reader == writer and reader is not UNKNOWN):
            yield Verdict(None, f"reader_endpoint {shown(reader)} is exported")
    for cluster in stack.of_type(DATABASE):
        endpoint = at(cluster.outputs, "readerEndpoint")
        if known and endpoint not in (None, UNKNOWN) and endpoint not in [r for _, r in pairs]:
            yield Verdict(cluster, "its reader endpoint is not exported")
        elif not at(cluster.inputs, "engine"):
            yield Verdict(cluster, "engine is not set: it may have no readers")
        else:
            yield Verdict(cluster)


RULE = Rule(
    __name__,
    severity="low",
    why="Who does not know it reads from the writer.",
    remedy="Export writer_endpoint and reader_endpoint of every database.",
    evaluate=evaluate,
)
