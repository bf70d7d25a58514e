"""The whole catalog in memory, and the questions that every program asks of it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from catalog.base import AllowedNetwork, AllowList, CatalogModel
from catalog.cell import Cell
from catalog.organization import Organization
from catalog.tenant import Placement, Tenant

if TYPE_CHECKING:
    from collections.abc import Mapping

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

Ledger = dict[str, Placement]
"""The placement that serves each tenant now; a tenant that is missing has never been served."""


class Catalog(CatalogModel):
    """Every organization-wide choice, cell and tenant."""

    organization: Organization
    cells: dict[str, Cell]
    tenants: dict[str, Tenant]
    saml_metadata: str
    """The identity provider's own description of itself, in XML."""

    def cell_allow_list(self, cell: Cell) -> AllowList:
        """The networks that may reach every tenant of a cell: its own and the offices'."""
        offices = tuple(
            AllowedNetwork(cidr=network, description=f"Office {name}")
            for name, network in sorted(self.organization.networks.offices.items())
        )
        return _without_covered(offices + cell.allow_list)

    def tenant_allow_list(self, tenant: Tenant, cell: Cell) -> AllowList:
        """The networks that may reach a tenant in a cell: its own, the cell's and the offices'."""
        return _without_covered(tenant.allow_list + self.cell_allow_list(cell))

    def tags(self, *, cell: Cell | None = None, tenant: Tenant | None = None) -> dict[str, str]:
        """The tags of everything a stack declares."""
        tags = dict(self.organization.tags)
        tags["organization"] = self.organization.name
        if cell is not None:
            tags |= {
                "environment": cell.environment,
                "cell": cell.name,
                "owner": cell.owner,
                "cost-centre": cell.cost_centre,
            }
        if tenant is not None:
            tags |= {
                "environment": tenant.environment,
                "tenant": tenant.name,
                "owner": tenant.owner,
                "cost-centre": tenant.cost_centre,
            }
        return dict(sorted(tags.items()))


def placements(tenant: Tenant, ledger: Mapping[str, Placement]) -> tuple[Placement, ...]:
    """The placements a tenant has a slice in: the serving one first, then the declared one."""
    serving = ledger.get(tenant.name, tenant.placement)
    if (serving.cell, serving.database) == (tenant.placement.cell, tenant.placement.database):
        return (tenant.placement,)
    return (serving, tenant.placement)


def _without_covered(allowed: AllowList) -> AllowList:
    """Drop networks that another one in the list covers; order by family and address."""
    kept: list[tuple[_Network, AllowedNetwork]] = []
    parsed = [(ipaddress.ip_network(entry.cidr), entry) for entry in allowed]
    for network, entry in sorted(parsed, key=lambda pair: pair[0].prefixlen):
        if not any(_covers(other, network) for other, _ in kept):
            kept.append((network, entry))
    kept.sort(key=lambda pair: (pair[0].version, int(pair[0].network_address)))
    return tuple(entry for _, entry in kept)


def _covers(outer: _Network, inner: _Network) -> bool:
    if isinstance(outer, ipaddress.IPv4Network):
        return isinstance(inner, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, ipaddress.IPv6Network) and inner.subnet_of(outer)
