"""What a move writes into the ledger: begun, flipped, flipped back, ended; each by compare-and-set.

While a move is under way its entry names it and keeps the side that does not serve, so that no
update of the tenant's stack drops either slice, and nobody else can begin a move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.tenant import Placement
from database_moves.errors import MoveError, RefusedError
from stacks.ledger_table import LedgerTable, StaleEntryError
from stacks.spans import peerings, span
from tenant_moves.retained import with_cell
from tenant_moves.slices import key, same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.catalog import Catalog
    from catalog.organization import Organization
    from catalog.tenant import Retained
    from stacks.ledger_table import Entry
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Aws


def table(organization: Organization, aws: Aws) -> LedgerTable:
    """The organization's ledger."""
    client = aws.client("dynamodb", organization.accounts.management, organization.home_region)
    return LedgerTable(organization, client)


def first(ledger: LedgerTable, catalog: Catalog, tenant: str, serving: str) -> Entry:
    """The entry of a tenant, written where there is none: it is served where its stack says.

    Raises `RefusedError` for a dedicated database whose settings nobody knows any more.
    """
    entry = ledger.entry(tenant)
    if entry is not None:
        return entry
    declared = catalog.tenants[tenant].placement
    if serving == key(declared):
        placement = declared
    else:
        cell, _, database = serving.partition("/")
        if database == "dedicated":
            raise RefusedError(
                f"{tenant} is in no ledger, and its stack serves it from {serving}",
                remedy="declare that placement again, run `patchworks tenant move` once, which "
                "records it, and change it then",
            )
        placement = Placement(cell=cell, database=database)
    try:
        return ledger.change(tenant, None, placement=placement, why="as its stack serves it")
    except StaleEntryError as stale:
        if stale.found is None:
            raise
        return stale.found


def begin(
    ledger: LedgerTable, plan: Plan, entry: Entry, retained: Sequence[Retained] | None = None
) -> Entry:
    """Note that the move has begun, and what was left where it goes to, if it has changed.

    Raises `RefusedError` where another was first.
    """
    if entry.move == plan.move:
        return entry
    spans = tuple(dict.fromkeys((*span(plan.source, plan.target), *entry.spans)))
    try:
        return ledger.change(
            plan.tenant,
            entry,
            placement=plan.source,
            target=plan.target,
            keeps=plan.target,
            move=plan.move,
            retained=retained,
            spans=spans if peerings(spans) else (),
            why=f"the move to {key(plan.target)} begins",
        )
    except StaleEntryError as stale:
        raise RefusedError(
            f"{stale}", remedy="look with `patchworks tenant status`, and plan again"
        ) from None


def flip(ledger: LedgerTable, plan: Plan, serving: Placement, why: str) -> Entry:
    """Let a side of the move be the one that serves; that it is already changes nothing.

    Raises `MoveError` where the entry is not of this move any more.
    """
    entry = ledger.entry(plan.tenant)
    if entry is None or entry.move != plan.move:
        found = "gone" if entry is None else f"of {entry.move or 'no move'} ({entry.why})"
        raise MoveError(
            f"the ledger's entry of {plan.tenant} was changed meanwhile: it is {found}",
            remedy="find out who did that: `patchworks tenant status`",
        )
    if same(entry.placement, serving):
        return entry
    if entry.gone is not None and same(entry.gone, serving):
        raise MoveError(f"{key(serving)} is gone for good by the ledger ({entry.why})")
    other = plan.source if same(serving, plan.target) else plan.target
    try:
        return ledger.change(
            plan.tenant,
            entry,
            placement=serving,
            target=plan.target,
            keeps=other,
            move=plan.move,
            gone=entry.gone,
            why=why,
        )
    except StaleEntryError as stale:
        raise MoveError(str(stale)) from None


def give_up(ledger: LedgerTable, plan: Plan, entry: Entry, gone: Placement | None) -> Entry:
    """Note that a side is gone for good and the move ends without it; None takes that back.

    From then on no mover that was cut off can let that side serve. Raises `RefusedError` where the
    entry is not any more what was read.
    """
    if entry.gone == gone:
        return entry
    why = "the side that was given up is there"
    if gone is not None:
        why = f"{key(gone)} is gone for good, and {plan.move} ends without it"
    try:
        return ledger.change(
            plan.tenant,
            entry,
            placement=entry.placement,
            target=entry.target,
            keeps=entry.keeps,
            move=entry.move,
            parting=entry.parting,
            gone=gone,
            why=why,
        )
    except StaleEntryError as stale:
        raise RefusedError(
            str(stale), remedy="run the same command again: it begins with what there is now"
        ) from None


def close(ledger: LedgerTable, plan: Plan, why: str, left: Retained | None = None) -> Entry | None:
    """Let go of the side that does not serve, so that the stack can drop it; again changes nothing.

    The entry names the move until all is done, so that whoever comes next completes it. What is
    `left` in another cell is remembered; what was left where it serves now is the stack's by now.
    """
    entry = ledger.entry(plan.tenant)
    if entry is None or entry.move != plan.move or entry.keeps is None:
        return entry
    try:
        return ledger.change(
            plan.tenant,
            entry,
            placement=entry.placement,
            target=entry.placement,
            move=plan.move,
            gone=entry.gone,
            retained=[each for each in _with(entry, left) if each.cell != entry.placement.cell],
            why=why,
        )
    except StaleEntryError as stale:
        raise MoveError(str(stale), remedy="run the same command again") from None


def end(ledger: LedgerTable, plan: Plan, why: str, left: Retained | None = None) -> Entry | None:
    """Note that the move is over, wherever it ended, and what is `left` in another cell.

    What the tenant spanned is forgotten where the ways of it were to be closed: they are by now.

    Again changes nothing.
    """
    entry = ledger.entry(plan.tenant)
    if entry is None or entry.move != plan.move:
        return entry
    try:
        return ledger.change(
            plan.tenant,
            entry,
            placement=entry.placement,
            retained=_with(entry, left),
            spans=() if entry.parting else None,
            why=why,
        )
    except StaleEntryError as stale:
        raise MoveError(str(stale), remedy="run the same command again") from None


def _with(entry: Entry, left: Retained | None) -> tuple[Retained, ...]:
    return entry.retained if left is None else with_cell(entry.retained, left.cell, left)
