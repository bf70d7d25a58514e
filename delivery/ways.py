"""Opens the ways between cells before a tenant's stack comes up in two, and closes them after.

A job runs in one cell, and what it declares of a tenant in another one (its database, its pods) is
behind that cell's private addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.catalog import placements
from delivery.engine import EngineError
from stacks import spans
from stacks.ledger_table import LedgerTable, StaleEntryError

if TYPE_CHECKING:
    from delivery.desk import Desk


def open_ways(desk: Desk, tenant: str) -> None:
    """Join the cells that a tenant's stack is about to be in, or was in.

    Raises:
        EngineError: a peering could not be brought up.
    """
    places = placements(desk.catalog.tenants[tenant], desk.ledger)
    try:
        spans.join(_table(desk), tenant, places, desk.engine.up)
    except StaleEntryError as stale:
        raise EngineError(f"{stale}; run the same command again") from None


def close_ways(desk: Desk, tenant: str) -> None:
    """Part the cells of a tenant whose stack is in one of them now, unless a move ends with that.

    Raises:
        EngineError: a peering could not be removed.
    """
    places = placements(desk.catalog.tenants[tenant], desk.ledger)
    if spans.peerings(spans.span(*places)):
        return
    table = _table(desk)
    try:
        spans.part(table, tenant, None, desk.engine.up)
        spans.forget(table, tenant, None)
    except StaleEntryError as stale:
        raise EngineError(f"{stale}; run the same command again") from None


def _table(desk: Desk) -> LedgerTable:
    return LedgerTable(desk.catalog.organization, desk.engine.dynamodb())
