"""A cell's network is of private addresses and overlaps with no VPN's."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from policies.resource_types import VPC, VPN
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(VPC, needed_in=("cell",))
def evaluate(network: Resource, stack: Stack) -> Iterator[str]:
    """Ranges that are no cell's to take."""
    value = at(network.inputs, "cidrBlock")
    if value is UNKNOWN:
        return
    try:
        own = ipaddress.ip_network(str(value))
    except ValueError:
        yield f"cidrBlock is {shown(value)}"
        return
    if not own.is_private:
        yield f"cidrBlock is {value}, which is public"
    for vpn in stack.of_type(VPN):
        other = at(vpn.inputs, "clientCidrBlock")
        if isinstance(other, str) and own.overlaps(ipaddress.ip_network(other)):
            yield f"cidrBlock {value} overlaps with the VPN's {other}"


RULE = Rule(
    __name__,
    severity="medium",
    why="Public addresses that belong to others can't be reached any more, and "
    "overlapping networks can't be joined.",
    remedy="Choose a range that no other cell has, below 10.0.0.0/8, 172.16.0.0/12 or "
    "192.168.0.0/16.",
    evaluate=evaluate,
)
