"""Only traffic to the cell takes the tunnel."""

from __future__ import annotations

from policies.resource_types import VPN
from policies.rule import Rule, expects

RULE = Rule(
    __name__,
    severity="low",
    why="All of a laptop's traffic would be paid for, and its own network unreachable.",
    remedy="Set splitTunnel.",
    evaluate=expects(VPN, {"splitTunnel": True}, needed_in=("cell",)),
)
