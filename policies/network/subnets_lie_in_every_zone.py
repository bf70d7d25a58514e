"""Subnets of every kind lie in every zone, three zones in production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import SUBNET, VPC
from policies.rule import Rule, Verdict
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

KINDS = ("public", "private", "isolated")


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Kinds that lack a zone, and production cells with too few."""
    subnets = stack.of_type(SUBNET)
    zones = {at(each.inputs, "availabilityZone") for each in subnets} - {None, UNKNOWN}
    for network in stack.of_type(VPC):
        if stack.environment == "prod" and len(zones) < 3:
            yield Verdict(network, f"production lies in {len(zones)} zones")
        for kind in KINDS:
            placed = [
                str(at(each.inputs, "availabilityZone"))
                for each in subnets
                if each.name.startswith(f"network-{kind}-")
            ]
            if len(placed) < len(zones) or not placed:
                yield Verdict(network, f"{kind} subnets lie in {shown(placed)} only")
    for subnet in subnets:
        zone = at(subnet.inputs, "availabilityZone")
        yield Verdict(subnet, "" if zone else "availabilityZone is not set")


RULE = Rule(
    __name__,
    severity="medium",
    why="What lies in two zones only is half gone when one fails, and can't be moved "
    "later without a new network.",
    remedy="Declare a public, a private and an isolated subnet in each zone of the cell.",
    evaluate=evaluate,
)
