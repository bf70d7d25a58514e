"""A NAT gateway per zone in production; elsewhere one at least, in a public subnet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import SUBNET, VPC
from policies.rule import Rule, Verdict, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

NAT = "aws:ec2/natGateway:NatGateway"


@each(VPC, needed_in=("cell",))
def of_networks(_: Resource, stack: Stack) -> Iterator[str]:
    """Networks with too few gateways."""
    gateways = stack.of_type(NAT)
    zones = {
        at(home.inputs, "availabilityZone")
        for gateway in gateways
        for home in stack.referred(gateway, "subnetId", SUBNET)
    }
    private = {
        at(each.inputs, "availabilityZone")
        for each in stack.of_type(SUBNET)
        if each.name.startswith("network-private-")
    }
    if not gateways:
        yield "no NAT gateway"
    elif stack.environment == "prod" and zones != private:
        yield f"NAT gateways lie in {len(zones)} of {len(private)} zones"


@each(NAT)
def of_gateways(gateway: Resource, stack: Stack) -> Iterator[str]:
    """Gateways that lie elsewhere."""
    homes = stack.referred(gateway, "subnetId", SUBNET)
    if at(gateway.inputs, "subnetId") is None:
        yield "subnetId is not set"
    for home in homes:
        if not home.name.startswith("network-public-"):
            yield f"it lies in {home.name}"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Networks and their gateways."""
    yield from of_networks(stack)
    yield from of_gateways(stack)


RULE = Rule(
    __name__,
    severity="medium",
    why="A single gateway takes the way out of all zones with it when its own fails; more "
    "than a cell needs are paid for by the hour.",
    remedy="Set the cell's network.nat to per-zone in production.",
    evaluate=evaluate,
)
