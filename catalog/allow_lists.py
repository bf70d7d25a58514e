"""Allow-lists as they take effect: joined, in order, and no longer than AWS takes."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from catalog.base import AllowedNetwork

if TYPE_CHECKING:
    from catalog.base import AllowList
    from catalog.cell import Cell
    from catalog.organization import Organization
    from catalog.tenant import Tenant

MOST_ENTRIES: Final = 30
"""Networks of one address family in a list.

A security group holds 60 rules of each family, and a prefix list counts with its `max_entries` in
every rule that names it: once for HTTPS and once for the redirect from HTTP.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def effective(organization: Organization, cell: Cell, tenant: Tenant | None = None) -> AllowList:
    """The networks that may reach a tenant in a cell: its own, the cell's and the offices'.

    Without a tenant, those that may reach every tenant of the cell.
    """
    offices = tuple(
        AllowedNetwork(cidr=network, description=f"Office {name}")
        for name, network in sorted(organization.networks.offices.items())
    )
    own = tenant.allow_list if tenant is not None else ()
    return without_covered(own + without_covered(offices + cell.allow_list))


def of_family(allow_list: AllowList, version: int) -> tuple[AllowedNetwork, ...]:
    """The networks of IP version 4 or 6, in the list's order."""
    return tuple(entry for entry in allow_list if _parsed(entry.cidr).version == version)


def without_covered(allowed: AllowList) -> AllowList:
    """Drop networks that another one in the list covers; order by family and address."""
    kept: list[tuple[_Network, AllowedNetwork]] = []
    parsed = [(_parsed(entry.cidr), entry) for entry in allowed]
    for network, entry in sorted(parsed, key=lambda pair: pair[0].prefixlen):
        if not any(_covers(other, network) for other, _ in kept):
            kept.append((network, entry))
    kept.sort(key=lambda pair: (pair[0].version, int(pair[0].network_address)))
    return tuple(entry for _, entry in kept)


@lru_cache(maxsize=4096)
def _parsed(cidr: str) -> _Network:
    """A network; those of offices and cells are asked for once for every tenant."""
    return ipaddress.ip_network(cidr)


def _covers(outer: _Network, inner: _Network) -> bool:
    if isinstance(outer, ipaddress.IPv4Network):
        return isinstance(inner, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, ipaddress.IPv6Network) and inner.subnet_of(outer)
