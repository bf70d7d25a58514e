"""Which tenants there are to move: served elsewhere than declared, or with a move under way.

A tenant's move begins once the delivery has brought its stack up as the commit has it: what is not
delivered has not been let in. A move that was begun goes on whatever was delivered meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from database_moves.errors import RefusedError
from delivery.inputs import is_current
from stacks.ledger_table import LedgerTable, StaleEntryError
from tenant_moves import plan
from tenant_moves.slices import same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.desk import Desk


@dataclass(frozen=True, slots=True)
class DueMove:
    """One tenant that there is to move."""

    tenant: str
    environment: str
    cell: str
    """The cell that serves it, whose runners move it."""
    way: str
    """From where to where, for people."""
    begun: bool
    waits: str = ""
    """Every reason why it can't be made now; empty where it can."""


def moves(desk: Desk, tenants: Sequence[str] = ()) -> list[DueMove]:
    """The moves there are to make or to go on with, of some tenants or of all."""
    ledger = LedgerTable(desk.catalog.organization, desk.engine.dynamodb())
    delivered = desk.delivered()
    found = []
    for name in tenants or sorted(desk.catalog.tenants):
        served, tenant = desk.ledger.get(name), desk.catalog.tenants[name]
        # Most tenants stay where they are, and have no move in their entry.
        if served is None:
            continue
        entry = ledger.entry(name)
        if entry is None or (entry.move is None and same(entry.placement, tenant.placement)):
            continue
        begun, waits = entry.move is not None, list[str]()
        try:
            due = plan.compare(desk.catalog, name, entry)
        except RefusedError as refused:
            due = plan.under_way(entry)
            waits.append(str(refused))
        if due is None:
            continue
        stack = f"tenant.{name}"
        if not begun and tenant.suspended is not None:
            waits.append(f"{name} is suspended: {tenant.suspended}")
        if not begun and not is_current(stack, desk.inputs, delivered):
            waits.append(f"{stack} has not been brought up as {desk.commit[:10]} has it")
        found.append(
            DueMove(
                tenant=name,
                environment=tenant.environment,
                cell=entry.placement.cell,
                way=due.described,
                begun=begun,
                waits="; ".join(waits),
            )
        )
    return found


def settle(desk: Desk, tenant: str) -> None:
    """Write down where a tenant is served that was brought up for the first time.

    Without an entry a changed placement would be taken for the one that serves, and the database
    that the tenant has would be left behind with all that is in it.
    """
    ledger = LedgerTable(desk.catalog.organization, desk.engine.dynamodb())
    if ledger.entry(tenant) is not None:
        return
    declared = desk.catalog.tenants[tenant].placement
    try:
        ledger.change(tenant, None, placement=declared, why="brought up for the first time")
    except StaleEntryError as stale:
        if stale.found is None:
            raise


def matrix(found: Sequence[DueMove]) -> dict[str, Any]:
    """A job for each move that can be made now, as a matrix of GitHub Actions."""
    return {
        "include": [
            {"tenant": each.tenant, "cell": each.cell, "environment": each.environment}
            for each in found
            if not each.waits
        ]
    }
