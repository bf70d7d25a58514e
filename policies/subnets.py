"""Ways out of subnets, as rules on the network ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import SUBNET

if TYPE_CHECKING:
    from policies.stack import Stack
    from rehearsal.graph import Resource

TABLE = "aws:ec2/routeTable:RouteTable"


def ways_out(stack: Stack, subnet: Resource) -> list[Resource]:
    """The routes of a subnet's route table."""
    tables = {
        table.urn
        for each in stack.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
        if subnet in stack.referred(each, "subnetId", SUBNET)
        for table in stack.referred(each, "routeTableId", TABLE)
    }
    return [
        route
        for route in stack.of_type("aws:ec2/route:Route")
        if any(each.urn in tables for each in stack.referred(route, "routeTableId", TABLE))
    ]
