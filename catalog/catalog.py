"""The whole catalog in memory, and the questions that every program asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.allow_lists import effective
from catalog.base import AllowList, CatalogModel
from catalog.cell import Cell
from catalog.organization import Organization
from catalog.tenant import Placement, Retained, Served, Tenant

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


def retained(tenant: Tenant, ledger: Mapping[str, Placement]) -> dict[str, Retained]:
    """What the tenant left behind, by cell; a slice there takes it over instead of making it."""
    entry = ledger.get(tenant.name)
    return {each.cell: each for each in entry.retained} if isinstance(entry, Served) else {}


def placements(tenant: Tenant, ledger: Mapping[str, Placement]) -> tuple[Placement, ...]:
    """The placements a tenant has a slice in, the serving one first.

    The declared one is another while a move is to come or under way, and the one that a move has
    left stays until the move is finished.
    """
    declared = tenant.placement
    entry = ledger.get(tenant.name, declared)
    serving, kept = (entry.bare(), entry.keeps) if isinstance(entry, Served) else (entry, None)
    found: dict[tuple[str, str], Placement] = {}
    for place in (serving, declared, kept):
        if place is not None:
            # Of a dedicated database the declared settings hold.
            same = (place.cell, place.database) == (declared.cell, declared.database)
            found.setdefault((place.cell, place.database), declared if same else place)
    return tuple(found.values())
