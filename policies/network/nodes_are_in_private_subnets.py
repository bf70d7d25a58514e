"""Nodes are in private subnets, from which the way out is a NAT gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import NODE_CLASS, NODE_GROUP, SUBNET
from policies.rule import Rule, each
from policies.stack import at, listed, shown
from policies.subnets import ways_out
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(NODE_GROUP, NODE_CLASS, needed_in=("cell",))
def evaluate(resource: Resource, stack: Stack) -> Iterator[str]:
    """Subnets that give public addresses, or lead out by other ways."""
    if resource.type == NODE_CLASS:
        public = at(resource.inputs, "spec.associatePublicIPAddress")
        if public is not False and public is not UNKNOWN:
            yield f"spec.associatePublicIPAddress is {shown(public)}"
        terms = listed(at(resource.inputs, "spec.subnetSelectorTerms"))
        homes = [home for each in terms if (home := stack.found(at(each, "id"), SUBNET))]
    else:
        if not at(resource.inputs, "subnetIds"):
            yield "subnetIds is not set"
        homes = stack.referred(resource, "subnetIds", SUBNET)
    for home in homes:
        if at(home.inputs, "mapPublicIpOnLaunch") is not False:
            yield f"{home.name} gives public addresses"
        ways = ways_out(stack, home)
        others = [each for each in ways if not at(each.inputs, "natGatewayId")]
        if others or not ways:
            yield f"the way out of {home.name} is no NAT gateway"


RULE = Rule(
    __name__,
    severity="high",
    why="A node with a public address can be reached from the internet, past load "
    "balancer and firewall.",
    remedy="Put node groups and node classes into private subnets, without public addresses.",
    evaluate=evaluate,
)
