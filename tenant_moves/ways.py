"""Opens and closes the ways between the cells that a tenant is in while it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.crash_points import reached
from database_moves.errors import MoveError
from stacks import spans
from stacks.ledger_table import StaleEntryError
from tenant_moves import entries

if TYPE_CHECKING:
    from stacks.ledger_table import Entry
    from stacks.lost_side import LostSide
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Platform


def join(platform: Platform, plan: Plan) -> None:
    """Bring up the peerings of all cells that the tenant spans; again changes nothing."""
    ledger = entries.table(platform.catalog.organization, platform.aws)
    try:
        spans.join(ledger, plan.tenant, (plan.source, plan.target), platform.bring_up_peering)
    except StaleEntryError as stale:
        raise MoveError(str(stale), remedy="run the same command again") from None
    reached("tenant.joined")


def part(
    platform: Platform, tenant: str, move: str | None, gone: LostSide | None = None
) -> list[str]:
    """Remove the peerings that the tenant was the last to need.

    `move` is the one that ends with it, whose end also notes that it is done; see `entries.end`.
    Of a cell that is `gone` for good nothing is asked; what it had of a peering is let go of, and
    returned: type, name and id of each.
    """
    left: list[str] = []
    ledger = entries.table(platform.catalog.organization, platform.aws)

    def bring_up(stack: str) -> None:
        kind, _, pair = stack.partition(".")
        assert kind == spans.KIND
        if gone is not None and gone.cell in pair.split("."):
            if spans.spanned(platform.served(), pair) is not None:
                # Whoever needs it last lets go of it; nothing of it changes until then.
                return
            left.extend(platform.has_on(stack, gone))
            platform.let_go(stack, gone)
        platform.bring_up_peering(stack)

    try:
        spans.part(ledger, tenant, move, bring_up)
    except StaleEntryError as stale:
        raise MoveError(str(stale), remedy="run the same command again") from None
    reached("tenant.parted")
    return left


def tidy(platform: Platform, tenant: str, entry: Entry) -> bool:
    """Do the same for a tenant in no move that is in one cell again; whether there was anything.

    A move that was given up leaves the tenant's stack in both cells until its file says otherwise
    and the stack is brought up.
    """
    if not entry.spans or entry.move is not None or len(platform.exports(tenant).slices) > 1:
        return False
    part(platform, tenant, None)
    try:
        spans.forget(entries.table(platform.catalog.organization, platform.aws), tenant, None)
    except StaleEntryError as stale:
        raise MoveError(str(stale), remedy="run the same command again") from None
    return True
