"""Says which tenants can't be moved as they stand: suspended, being created, or being deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.catalog import Catalog
    from tenant_moves.platform import Platform


def suspended(catalog: Catalog, tenant: str) -> str | None:
    """Why a tenant is suspended, as the rest of a sentence about it; None where it is not."""
    why = catalog.tenants[tenant].suspended
    return None if why is None else f"is suspended ({why})"


def being_created(platform: Platform, tenant: str) -> str | None:
    """That a tenant's stack was begun and has not come up to its end; None where it has.

    Also None where nothing of it is there yet: it may still be declared anywhere.
    """
    if tenant not in platform.kept():
        return None
    try:
        platform.exports(tenant)
    except MoveError as error:
        return f"is being created ({error.message})"
    return None


def unsettled(platform: Platform, cell: str) -> Mapping[str, str]:
    """The tenants of a cell that are being created or deleted there, each with what it is."""
    declared = platform.catalog.tenants
    found = {}
    for tenant in platform.kept():
        if tenant in declared:
            if declared[tenant].placement.cell == cell:
                why = being_created(platform, tenant)
                if why is not None:
                    found[tenant] = why
        elif _has_slice(platform, tenant, cell):
            found[tenant] = "is being deleted (no file declares it, and its stack is still there)"
    return found


def _has_slice(platform: Platform, tenant: str, cell: str) -> bool:
    try:
        return cell in platform.exports(tenant).slices
    except MoveError:
        # It never came up to its end, so it may have something in any cell.
        return True
