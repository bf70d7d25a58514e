"""Public subnets hold load balancers and NAT gateways only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.resource_types import BALANCER, SUBNET
from policies.rule import Rule, Verdict
from policies.stack import at, listed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

HOLD = (
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    BALANCER,
)
KEYS = ("subnetId", "subnetIds", "subnets", "vpcConfig")


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Public subnets that give addresses, and what else lies in one."""
    for resource in stack.graph.resources.values():
        if resource.type == SUBNET and resource.name.startswith("network-public-"):
            given = at(resource.inputs, "mapPublicIpOnLaunch")
            wrong = given is not False and given is not UNKNOWN
            yield Verdict(resource, f"mapPublicIpOnLaunch is {shown(given)}" if wrong else "")
        if resource.type in HOLD or not any(key in resource.inputs for key in KEYS):
            continue
        for value in values(resource):
            home = stack.found(value, SUBNET)
            # A subnet of another stack is known by its placeholder alone.
            name = home.name if home else str(value)
            if "network-public-" in name:
                yield Verdict(resource, f"it lies in the public subnet {shown(value)}")


def values(resource: Resource) -> Iterator[Any]:
    """The subnets that a resource names."""
    for key in KEYS:
        value = at(resource.inputs, key)
        if isinstance(value, dict):
            value = [*listed(value.get("subnetIds")), *listed(value.get("subnets"))]
        yield from listed(value)


RULE = Rule(
    __name__,
    severity="high",
    why="What else lies there has a way in from the internet that no one wrote down.",
    remedy="Move it to a private subnet, and give public subnets mapPublicIpOnLaunch false.",
    evaluate=evaluate,
)
