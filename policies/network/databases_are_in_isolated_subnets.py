"""Databases are in isolated subnets, from which no way leads out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import SUBNET
from policies.rule import Rule, each
from policies.stack import at, shown
from policies.subnets import ways_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each("aws:rds/subnetGroup:SubnetGroup", needed_in=("cell",))
def evaluate(group: Resource, stack: Stack) -> Iterator[str]:
    """Subnets from which a route leads out, where the stack declares them."""
    if not at(group.inputs, "subnetIds"):
        yield "subnetIds is not set"
    for home in stack.referred(group, "subnetIds", SUBNET):
        if ways := ways_out(stack, home):
            leads = at(ways[0].inputs, "destinationCidrBlock")
            yield f"from {home.name} a route leads to {shown(leads)}"


RULE = Rule(
    __name__,
    severity="high",
    why="A database that can reach the internet can be made to send its rows there.",
    remedy="Give the subnet group subnets whose route table has no route of its own.",
    evaluate=evaluate,
)
