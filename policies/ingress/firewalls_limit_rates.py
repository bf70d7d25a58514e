"""WAF limits each client's rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import FIREWALL
from policies.rule import Rule, each
from policies.stack import at, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(FIREWALL, needed_in=("tenant",))
def evaluate(acl: Resource, _: Stack) -> Iterator[str]:
    """Firewalls without a limit that blocks."""
    rules = listed(at(acl.inputs, "rules"))
    limits = [
        rule
        for rule in rules
        if at(rule, "statement.rateBasedStatement.aggregateKeyType") == "IP"
        and at(rule, "action.block") is not None
    ]
    if not limits:
        yield "rules has no rate-based rule by IP that blocks"


RULE = Rule(
    __name__,
    severity="medium",
    why="One client that loops would use up a tenant's services.",
    remedy="Add a rate-based rule by IP that blocks.",
    evaluate=evaluate,
)
