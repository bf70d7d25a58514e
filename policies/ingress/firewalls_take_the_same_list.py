"""WAF lets in exactly what the security groups do."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from policies.resource_types import FIREWALL, PREFIX_LIST
from policies.rule import Rule, Verdict, each
from policies.stack import at, listed
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

SET = "aws:wafv2/ipSet:IpSet"


@each(FIREWALL, needed_in=("tenant",))
def of_firewalls(acl: Resource, stack: Stack) -> Iterator[str]:
    """Firewalls whose first rule does not block strangers, and lists that differ."""
    rules = listed(at(acl.inputs, "rules"))
    first = min(rules, key=lambda rule: at(rule, "priority") or 0, default=None)
    if at(first, "action.block") is None or at(first, "statement.notStatement") is None:
        yield "its first rule does not block who is not on the list"
    lists = [at(each.inputs, "entries") for each in stack.of_type(PREFIX_LIST)]
    sets = [at(each.inputs, "addresses") for each in stack.of_type(SET)]
    if UNKNOWN in lists or UNKNOWN in sets:
        return
    groups = networks(at(entry, "cidr") for each in lists for entry in listed(each))
    firewall = networks(address for each in sets for address in listed(each))
    if more := firewall - groups:
        yield f"it lets in {', '.join(map(str, more))}, which the security groups do not"
    if fewer := groups - firewall:
        yield f"it refuses {', '.join(map(str, fewer))}, which the security groups let in"


@each(SET, needed_in=("tenant",))
def of_sets(addresses: Resource, _: Stack) -> Iterator[str]:
    """Sets of nobody."""
    if not at(addresses.inputs, "addresses"):
        yield "addresses is not set"


def networks(addresses: Iterable[Any]) -> set[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Networks joined, so that halves of one count as the whole."""
    parsed = [ipaddress.ip_network(str(each)) for each in addresses]
    four = [each for each in parsed if isinstance(each, ipaddress.IPv4Network)]
    six = [each for each in parsed if isinstance(each, ipaddress.IPv6Network)]
    return {*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)}


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Firewalls, and their sets of addresses."""
    yield from of_firewalls(stack)
    yield from of_sets(stack)


RULE = Rule(
    __name__,
    severity="high",
    why="Two lists drift apart: what one refuses, the other lets in.",
    remedy="Make both from the tenant's allow-list; block what is not in it with the first rule.",
    evaluate=evaluate,
)
