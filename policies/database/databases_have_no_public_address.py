"""No database has a public address."""

from __future__ import annotations

from policies.resource_types import DATABASE_INSTANCE
from policies.rule import Rule, expects

RULE = Rule(
    __name__,
    severity="high",
    why="The internet could try its passwords.",
    remedy="Set publiclyAccessible to false on every instance.",
    evaluate=expects(DATABASE_INSTANCE, {"publiclyAccessible": False}, needed_in=("cell",)),
)
