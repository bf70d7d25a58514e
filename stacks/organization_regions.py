"""Which regions are in use, as the catalog says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.catalog import Catalog


def environment_regions(catalog: Catalog, environment: str) -> tuple[str, ...]:
    """The regions of an environment's cells and of their databases' backups, in order."""
    cells = [cell for cell in catalog.cells.values() if cell.environment == environment]
    regions = {cell.region for cell in cells}
    for cell in cells:
        regions |= {database.backup_region for database in cell.databases.values()}
    for tenant in catalog.tenants.values():
        if tenant.environment == environment and tenant.placement.dedicated is not None:
            regions.add(tenant.placement.dedicated.backup_region)
    return tuple(sorted(regions))


def regions_in_use(catalog: Catalog) -> tuple[str, ...]:
    """Every region that something of ours may be in, the home region included."""
    regions = {catalog.organization.home_region}
    for environment in {cell.environment for cell in catalog.cells.values()}:
        regions |= set(environment_regions(catalog, environment))
    return tuple(sorted(regions))
