"""Security groups of load balancers let in prefix lists alone, at ports 80 and 443."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BALANCER, INGRESS_RULE, PREFIX_LIST, SECURITY_GROUP
from policies.rule import Rule, Verdict, each
from policies.stack import at, listed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(BALANCER, needed_in=("tenant",))
def of_balancers(balancer: Resource, stack: Stack) -> Iterator[str]:
    """Load balancers that nobody gets in to by a list."""
    groups = {group.urn for group in stack.referred(balancer, "securityGroups", SECURITY_GROUP)}
    rules = [rule for rule in stack.of_type(INGRESS_RULE) if belongs(rule, groups, stack)]
    if not rules:
        yield "no rule of its security groups names the allow-list"
    for rule in rules:
        ports = (at(rule.inputs, "fromPort"), at(rule.inputs, "toPort"))
        if ports not in ((80, 80), (443, 443)):
            yield f"{rule.name} opens ports {shown(list(ports))}"
        if not at(rule.inputs, "prefixListId"):
            yield f"{rule.name} names no prefix list"


def belongs(rule: Resource, groups: set[str], stack: Stack) -> bool:
    """Whether a rule is one of these groups'."""
    homes = stack.referred(rule, "securityGroupId", SECURITY_GROUP)
    return any(home.urn in groups for home in homes)


@each(PREFIX_LIST, needed_in=("tenant",))
def of_lists(listing: Resource, _: Stack) -> Iterator[str]:
    """Lists that say nothing, or of which an entry says not whose it is."""
    entries = at(listing.inputs, "entries")
    if entries is not UNKNOWN and not entries:
        yield "entries is empty"
    for entry in listed(entries):
        if not at(entry, "description"):
            yield f"{shown(at(entry, 'cidr'))} has no description"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Load balancers, and lists."""
    yield from of_balancers(stack)
    yield from of_lists(stack)


RULE = Rule(
    __name__,
    severity="high",
    why="A rule beside the allow-list lets in whom no tenant has named.",
    remedy="Put networks into the allow-list; its prefix lists are what the rules name.",
    evaluate=evaluate,
)
