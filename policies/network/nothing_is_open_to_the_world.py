"""Nothing is open to the world but listeners that are public with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import INGRESS_RULE, PREFIX_LIST, SECURITY_GROUP
from policies.rule import Rule, each
from policies.stack import at, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

WORLD = ("0.0.0.0/0", "::/0")
SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
CLASSIC = "aws:ec2/securityGroupRule:SecurityGroupRule"


@each(INGRESS_RULE, CLASSIC, SECURITY_GROUP, PREFIX_LIST, needed_in=("cell", "tenant"))
def evaluate(resource: Resource, _: Stack) -> Iterator[str]:
    """Rules and lists that hold every address."""
    if resource.type == PREFIX_LIST:
        for entry in listed(at(resource.inputs, "entries")):
            said = str(at(entry, "description"))
            if at(entry, "cidr") in WORLD and "(public: " not in said:
                yield f"entries has {at(entry, 'cidr')} without a reason"
        return
    if resource.type == INGRESS_RULE:
        given = [at(resource.inputs, key) for key in SOURCES if key in resource.inputs]
        if len(given) != 1:
            yield f"{len(given)} sources are named, not one"
        yield from (f"it is open to {each}" for each in given if each in WORLD)
        return
    rules = listed(at(resource.inputs, "ingress"))
    if resource.type == CLASSIC and at(resource.inputs, "type") != "egress":
        rules = [resource.inputs]
    for rule in rules:
        blocks = [*listed(at(rule, "cidrBlocks")), *listed(at(rule, "ipv6CidrBlocks"))]
        yield from (f"it is open to {each}" for each in blocks if each in WORLD)


RULE = Rule(
    __name__,
    severity="high",
    why="A rule for every address is found by scanners within minutes.",
    remedy="Name a network, a prefix list or a security group; a public listener says so, "
    "with its reason, in the catalog's allow-list.",
    evaluate=evaluate,
)
