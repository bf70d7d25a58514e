"""Carves a cell's address range into the subnets of its zones.

The range is cut into quarters. Each zone's private subnet is one of the first three quarters; the
last quarter is cut into sixteen parts: four for public subnets, four for isolated ones, eight left
free. The fourth part of each four is free too, and with two zones so is the third quarter, so a
zone that is added later never moves a subnet that exists.
`docs/decisions/subnet-layout.md` gives the reasons and the sources of the numbers.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

LARGEST_PREFIX = 16
"""The largest VPC that AWS allows is a /16."""
SMALLEST_PREFIX = 20
"""With a /20, a private subnet is a /22 and the small ones are /26; see the decision."""
FEWEST_ZONES = 2
MOST_ZONES = 3
_QUARTER_BITS = 2
_SMALL_BITS = 4


@dataclass(frozen=True)
class SubnetLayout:
    """Ranges in CIDR notation; position n of each tuple belongs to the cell's zone n."""

    public: tuple[str, ...]
    """Load balancers and NAT gateways only; a 64th of the range each."""
    private: tuple[str, ...]
    """Nodes and pods; a quarter of the range each."""
    isolated: tuple[str, ...]
    """Databases, without a way out; a 64th of the range each."""


def layout(cidr: str, zones: int) -> SubnetLayout:
    """The subnets of a cell's range `cidr` (IPv4, CIDR notation) for a number of zones (2 or 3).

    Raises ValueError, naming what was given and what is needed, for a range that is no IPv4
    network, is smaller than a /20 or larger than a /16, or for another number of zones.
    """
    network = _network(cidr)
    if not FEWEST_ZONES <= zones <= MOST_ZONES:
        raise ValueError(f"{zones} zones were asked for; a cell has {FEWEST_ZONES} or {MOST_ZONES}")
    quarters = list(network.subnets(prefixlen_diff=_QUARTER_BITS))
    small = list(quarters[-1].subnets(prefixlen_diff=_SMALL_BITS))
    return SubnetLayout(
        public=tuple(str(subnet) for subnet in small[:zones]),
        private=tuple(str(subnet) for subnet in quarters[:zones]),
        isolated=tuple(str(subnet) for subnet in small[4 : 4 + zones]),
    )


def _network(cidr: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise ValueError(f"{cidr} is not an IPv4 network in CIDR notation: {error}") from None
    if network.prefixlen > SMALLEST_PREFIX:
        needed = 2 ** (32 - SMALLEST_PREFIX)
        raise ValueError(
            f"{cidr} has {network.num_addresses} addresses; a cell's subnets need {needed}, "
            f"a /{SMALLEST_PREFIX} at least"
        )
    if network.prefixlen < LARGEST_PREFIX:
        raise ValueError(f"{cidr} is larger than a VPC may be; a /{LARGEST_PREFIX} is the most")
    return network
