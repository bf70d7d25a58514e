"""Where the record of a tenant's move is: where the move began, with a copy where it went.

Where every machine shares one store (`PATCHWORKS_DATABASE_URL`), or the platform has one, that is
the record. Else it lies with the side that a move begins on, and a copy follows the tenant: so it
is found by whoever looks where the tenant is served, and it is there when the first side is gone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from database_moves import control, durable, record_copy, store
from database_moves.errors import MoveError, RefusedError
from tenant_moves import cloud_faults
from tenant_moves.slices import key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from catalog.tenant import Placement
    from database_moves.database import Side
    from database_moves.state import MoveState, Sample
    from stacks.ledger_table import Entry
    from tenant_moves.context import TenantContext
    from tenant_moves.platform import Platform


WHERE = (
    f"it is where the move began, or in the store that {durable.URL_VARIABLE} named then: give "
    "that one, or bring that server back"
)
"""What to do where a record is not found."""


@dataclass(frozen=True)
class Found:
    """What was recorded of a tenant's last move, or of the one under way."""

    move: str
    state: MoveState | None
    samples: Sequence[Sample]
    unreached: tuple[str, ...]
    """Where it may be and nobody could ask, each with the reason."""


def keep(context: TenantContext, place: Placement) -> None:
    """Bring a copy of the record to the server of a placement; again brings what is new.

    Raises `MoveError` where it can't be brought there, which changes nothing of who serves.
    """
    if os.environ.get(durable.URL_VARIABLE) or context.absent is not None:
        return
    plan = context.plan
    try:
        with cloud_faults.explained():
            copy = context.platform.copy_url(plan.tenant, place)
            if copy is not None and copy != context.url:
                record_copy.copy(context.url, copy, (plan.move, context.executor))
    except (MoveError, psycopg.Error) as error:
        said = error.message if isinstance(error, MoveError) else str(error).strip()
        raise MoveError(
            f"{key(place)} serves {plan.tenant}, but the record of {plan.move} could not be copied "
            f"to its server: {next(iter(said.splitlines()), type(error).__name__)}",
            remedy="mend that, and run the same command again, which copies it",
        ) from error


def check_none_missing(context: TenantContext, side: Side) -> None:
    """Raise `RefusedError` where the database of a side is in a move of which no record is found.

    Call it where none was found: the move's end would leave what it made there.
    """
    exports = context.platform.exports(context.plan.tenant)
    with context.database(exports, side).session("record") as session:
        if control.exists(session):
            raise RefusedError(
                f"the database in {key(context.plan.place(side))} is in a move, and of "
                f"{context.plan.move} no record is found",
                remedy=WHERE,
            )


def look(
    platform: Platform,
    tenant: str,
    entry: Entry | None,
    history: Sequence[Entry],
    *,
    samples: bool = False,
) -> Found | None:
    """What is recorded of the move under way, or else of the last one; None before the first.

    With `samples` also what was measured while it ran.
    """
    moves = [each.move for each in history if each.move is not None]
    if entry is None or not moves:
        return None
    unreached: list[str] = []
    for url in _urls(platform, tenant, entry, unreached):
        try:
            with durable.reading(url) as client:
                state = store.load(client, moves[-1])
                if state is not None:
                    measured = store.samples(client, moves[-1]) if samples else ()
                    return Found(moves[-1], state, measured, ())
        except MoveError as error:
            unreached.append(str(error))
    return Found(moves[-1], None, (), tuple(unreached))


def _urls(platform: Platform, tenant: str, entry: Entry, unreached: list[str]) -> Iterator[str]:
    """Where to look, the likeliest first."""
    shared = os.environ.get(durable.URL_VARIABLE)
    if shared:
        yield shared
        return
    under_way = entry.move is not None and entry.gone is None
    ways: list[Callable[[], str | None]] = [
        lambda: platform.store_url(tenant),
        lambda: platform.copy_url(tenant, entry.placement),
    ]
    seen: set[str | None] = {None}
    for way in ways if under_way else reversed(ways):
        try:
            with cloud_faults.explained():
                url = way()
        except (MoveError, psycopg.OperationalError) as error:
            unreached.append(str(error).strip())
            continue
        if url not in seen:
            seen.add(url)
            yield str(url)
