"""Catalogs of any number of tenants, made from the shipped one, the same at every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.load import find_root, load
from catalog.tenant import Placement

if TYPE_CHECKING:
    from catalog.catalog import Catalog
    from catalog.tenant import Tenant


def generated_catalog(tenants: int) -> Catalog:
    """The shipped organization and cells with that many tenants on their shared databases.

    Tenants are copies of the shipped production ones, in turn, with their number of services,
    spread over all production cells and databases.
    """
    shipped = load(find_root())
    cells = [cell for cell in shipped.cells.values() if cell.environment == "prod"]
    places = [
        Placement(cell=cell.name, database=database)
        for cell in cells
        for database in cell.databases
    ]
    models = [
        tenant
        for tenant in shipped.tenants.values()
        if tenant.environment == "prod" and tenant.placement.dedicated is None
    ]
    made: dict[str, Tenant] = {}
    for number in range(tenants):
        name = f"tenant-{number:04}"
        made[name] = models[number % len(models)].model_copy(
            update={
                "name": name,
                "placement": places[number % len(places)],
                "hostnames": (f"{name}.{shipped.organization.domain}",),
            }
        )
    return shipped.model_copy(update={"tenants": made})
