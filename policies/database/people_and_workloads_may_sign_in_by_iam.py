"""IAM authentication is on."""

from __future__ import annotations

from policies.resource_types import DATABASE
from policies.rule import Rule, expects

RULE = Rule(
    __name__,
    severity="medium",
    why="Without it everybody needs a password that lives for months.",
    remedy="Set iamDatabaseAuthenticationEnabled.",
    evaluate=expects(DATABASE, {"iamDatabaseAuthenticationEnabled": True}, needed_in=("cell",)),
)
