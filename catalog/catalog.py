"""The whole catalog in memory, and the questions that every program asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.allow_lists import effective
from catalog.base import AllowList, CatalogModel
from catalog.cell import Cell
from catalog.organization import Organization
from catalog.tenant import Placement, Tenant

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        return effective(self.organization, cell)

    def tenant_allow_list(self, tenant: Tenant, cell: Cell) -> AllowList:
        """The networks that may reach a tenant in a cell: its own, the cell's and the offices'."""
        return effective(self.organization, cell, tenant)

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
