"""Snapshots carry the database's tags."""

from __future__ import annotations

from policies.resource_types import DATABASE
from policies.rule import Rule, expects

RULE = Rule(
    __name__,
    severity="low",
    why="Without them nobody knows whose they are, and who pays.",
    remedy="Set copyTagsToSnapshot.",
    evaluate=expects(DATABASE, {"copyTagsToSnapshot": True}, needed_in=("cell",)),
)
