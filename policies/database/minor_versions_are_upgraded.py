"""Minor versions are upgraded by themselves, major ones never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE, DATABASE_INSTANCE
from policies.rule import Rule, Verdict, expects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

CLUSTERS = expects(DATABASE, {"allowMajorVersionUpgrade": False}, needed_in=("cell",))
INSTANCES = expects(DATABASE_INSTANCE, {"autoMinorVersionUpgrade": True}, needed_in=("cell",))


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Clusters, and their instances."""
    yield from CLUSTERS(stack)
    yield from INSTANCES(stack)


RULE = Rule(
    __name__,
    severity="medium",
    why="Security fixes come with minor versions; a major one needs a test and a plan.",
    remedy="Set autoMinorVersionUpgrade on instances, and allowMajorVersionUpgrade false on "
    "clusters.",
    evaluate=evaluate,
)
