"""WAF applies managed rule groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import FIREWALL
from policies.rule import Rule, each
from policies.stack import at, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

GROUPS = frozenset(
    {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    }
)


@each(FIREWALL, needed_in=("tenant",))
def evaluate(acl: Resource, _: Stack) -> Iterator[str]:
    """Groups that are missing, or that only count."""
    found = set()
    for rule in listed(at(acl.inputs, "rules")):
        name = at(rule, "statement.managedRuleGroupStatement.name")
        if name and at(rule, "overrideAction.none") is not None:
            found.add(name)
    if missing := GROUPS - found:
        yield f"rules lacks {', '.join(sorted(missing))}"


RULE = Rule(
    __name__,
    severity="medium",
    why="They know the attacks of this week; a rule written by hand knows those of last year.",
    remedy="Add the reputation list, the common rule set and known bad inputs, without "
    "overriding them.",
    evaluate=evaluate,
)
