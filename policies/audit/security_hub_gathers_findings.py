"""Security Hub gathers every account's findings in the audit account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.rule import Rule, Verdict, each, expects
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

ADMINISTRATOR = "aws:securityhub/organizationAdminAccount:OrganizationAdminAccount"
AGGREGATOR = "aws:securityhub/findingAggregator:FindingAggregator"
POLICY = "aws:securityhub/configurationPolicy:ConfigurationPolicy"
ASSOCIATION = "aws:securityhub/configurationPolicyAssociation:ConfigurationPolicyAssociation"
AGGREGATORS = expects(AGGREGATOR, {"linkingMode": "ALL_REGIONS"}, needed_in=("organization",))
POLICIES = expects(
    POLICY, {"configurationPolicy.serviceEnabled": True}, needed_in=("organization",)
)


@each(ADMINISTRATOR, needed_in=("organization",))
def of_administrators(administrator: Resource, _: Stack) -> Iterator[str]:
    """Administrators that are no account."""
    account = at(administrator.inputs, "adminAccountId")
    if account is not UNKNOWN and not re.fullmatch(r"\d{12}", str(account)):
        yield f"adminAccountId is {shown(account)}"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Administrator, aggregator, policy and whom it is for."""
    yield from of_administrators(stack)
    yield from AGGREGATORS(stack)
    yield from POLICIES(stack)
    if stack.kind == "organization" and not stack.of_type(ASSOCIATION):
        yield Verdict(None, "the configuration policy is associated with no account")


RULE = Rule(
    __name__,
    severity="medium",
    why="Findings that lie in each account are read by nobody.",
    remedy="Name the administrator, link all regions, and associate a configuration policy.",
    evaluate=evaluate,
)
