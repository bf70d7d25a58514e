"""Which cells' networks must reach each other: those that a tenant's stack spans, by the ledger.

A tenant's stack needs a way between two cells from before it gets a slice in the second one until
after it has lost the one it leaves. The ledger notes that, by compare-and-set; each pair of cells
has a stack, whose program declares a peering while any tenant spans the pair. Whoever changes what
a tenant spans brings those stacks up afterwards.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from catalog.tenant import Served
from stacks.ledger_table import StaleEntryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from catalog.cell import Cell
    from catalog.tenant import Placement
    from stacks.ledger_table import Entry, LedgerTable

KIND = "peering"
Spanning = tuple[tuple[str, ...], bool]
"""What an entry says: placements, and whether the ways between them are to be closed."""
ATTEMPTS = 5
"""An entry is changed by one mover or one delivery; more than a few in a row is no accident."""


def span(*places: Placement) -> tuple[str, ...]:
    """Placements as the ledger notes them."""
    return tuple(dict.fromkeys(f"{place.cell}/{place.database}" for place in places))


def keeps_records(cell: Cell) -> str:
    """The database in whose cluster a cell keeps the record of the moves that began there."""
    return next(iter(cell.databases))


def peerings(spans: Iterable[str]) -> tuple[str, ...]:
    """The stacks of every pair of cells that some placements are in."""
    cells = sorted({place.partition("/")[0] for place in spans})
    return tuple(f"{KIND}.{one}.{other}" for one, other in combinations(cells, 2))


def spanned(ledger: Mapping[str, Placement], pair: str) -> Mapping[str, frozenset[str]] | None:
    """By cell of a pair, the databases of tenants that span both; None where no tenant does."""
    cells = pair.split(".")
    found: set[str] = set()
    for entry in ledger.values():
        if isinstance(entry, Served) and f"{KIND}.{pair}" in peerings(entry.spans):
            found.update(entry.spans)
    if not found:
        return None
    return {
        cell: frozenset(place.partition("/")[2] for place in found if place.startswith(f"{cell}/"))
        for cell in cells
    }


def join(
    table: LedgerTable,
    tenant: str,
    places: Iterable[Placement],
    bring_up: Callable[[str], object],
) -> None:
    """Open the ways between all cells that a tenant is about to have, or still has, slices in.

    Nothing where that is one cell. `bring_up` applies a stack, and waits for others who do. Again
    changes nothing. Raises `StaleEntryError`.
    """
    wanted = span(*places)

    def joined(entry: Entry) -> Spanning | None:
        # What is first stays so: a move under way keeps its record there.
        spans = tuple(dict.fromkeys((*entry.spans, *wanted)))
        return (spans, False) if peerings(spans) else None

    for stack in peerings(_change(table, tenant, joined, f"{tenant} spans cells")):
        bring_up(stack)


def part(
    table: LedgerTable, tenant: str, move: str | None, bring_up: Callable[[str], object]
) -> None:
    """Close the ways that a tenant, whose stack is in one cell again, was the last to need.

    `move` is the one that ends with it, or None outside of any; in another one nothing is done.
    The entry says that they are to be closed until `forget`, so that whoever comes after a killed
    process closes them. Raises `StaleEntryError`.
    """

    def parting(entry: Entry) -> Spanning | None:
        return (entry.spans, True) if entry.spans and entry.move == move else None

    for stack in peerings(_change(table, tenant, parting, f"{tenant} is in one cell")):
        bring_up(stack)


def forget(table: LedgerTable, tenant: str, move: str | None) -> None:
    """Note that the ways of `part` are closed. Raises `StaleEntryError`."""

    def forgotten(entry: Entry) -> Spanning | None:
        return ((), False) if entry.parting and entry.move == move else None

    _change(table, tenant, forgotten, f"{tenant} is in one cell alone")


def _change(
    table: LedgerTable, tenant: str, wanted: Callable[[Entry], Spanning | None], why: str
) -> tuple[str, ...]:
    """What a tenant spans once its entry has what is wanted; nothing where nothing is wanted."""
    for attempt in range(1, ATTEMPTS + 1):
        entry = table.entry(tenant)
        found = wanted(entry) if entry is not None else None
        if entry is None or found is None:
            return ()
        spans, parting = found
        if found == (entry.spans, entry.parting):
            return spans
        try:
            table.change(
                tenant,
                entry,
                placement=entry.placement,
                target=entry.target,
                keeps=entry.keeps,
                move=entry.move,
                spans=spans,
                parting=parting,
                gone=entry.gone,
                why=why,
            )
        except StaleEntryError:
            if attempt == ATTEMPTS:
                raise
        else:
            return spans
    raise AssertionError
