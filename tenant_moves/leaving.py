"""Says whether a tenant's move may end without a side: one that is gone, and holds no writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from database_moves import context as contexts
from database_moves import leaving_out
from database_moves.errors import RefusedError
from tenant_moves import records
from tenant_moves.slices import key, same

if TYPE_CHECKING:
    from catalog.tenant import Placement
    from database_moves.state import MoveState
    from stacks.ledger_table import Entry
    from tenant_moves.absent import Absent
    from tenant_moves.asked import Asked
    from tenant_moves.context import TenantContext

Verb = Literal["finish", "abort"]
"""What ends a database's move without a side."""


def may_be_left_out(
    asked: Asked,
    verb: Verb,
    entry: Entry,
    absent: Absent,
) -> None:
    """Raise `RefusedError` where catalog or ledger forbid it; no server is asked."""
    name, place, stays = asked.tenant, absent.place, absent.stays
    if absent.whole_cell and place.cell == stays.cell:
        raise RefusedError(
            f"{place.cell} serves {name} from {key(stays)}",
            remedy="leave out --whole-cell: only the database is gone",
        )
    if entry.gone is None and entry.keeps is not None:
        _holds_no_writes(verb, entry, absent, name)


def is_not_declared(asked: Asked, absent: Absent) -> None:
    """Raise `RefusedError` where the tenant's file would have its stack made where all is gone."""
    name, place, stays = asked.tenant, absent.place, absent.stays
    declared = asked.platform.catalog.tenants[name].placement
    if same(declared, place) or (absent.whole_cell and declared.cell == place.cell):
        raise RefusedError(
            f"tenants/{name}.yaml declares {key(declared)}, where nothing can be brought up",
            remedy=f"declare {key(stays)} there, have that merged, and run the command with it",
        )


def _holds_no_writes(verb: Verb, entry: Entry, absent: Absent, name: str) -> None:
    place, side = absent.place, absent.side
    serves = same(entry.placement, place)
    if serves and (verb == "finish" or side == "source"):
        raise _has_writes(place, name)
    if verb == "abort" and side == "source":
        raise RefusedError(
            f"{name} can't be brought back to {key(place)} without it",
            remedy=f"`patchworks tenant finish {name} --without source` ends the move where the "
            "tenant is served",
        )


def _has_writes(place: Placement, name: str) -> RefusedError:
    return RefusedError(
        f"{key(place)} serves {name}, and has writes that are nowhere else",
        remedy="bring its server back, from a backup if need be, and run the command without "
        "--without",
    )


def is_gone(
    context: TenantContext,
    verb: Verb,
    entry: Entry,
    state: MoveState | None,
) -> None:
    """Raise `RefusedError` where the side answers, or the databases say that it has writes."""
    absent, found = context.absent, context.plan
    assert absent is not None
    exports = context.platform.exports(found.tenant)
    if key(absent.place) not in exports.databases:
        if entry.keeps is not None:
            raise RefusedError(
                f"nothing of the move is in {key(absent.place)} yet",
                remedy=f"`patchworks tenant rollback {found.tenant}` gives it up",
            )
        return
    if state is None:
        records.check_none_missing(context, contexts.other(absent.side))
        leaving_out.check_gone(context.database(exports, absent.side), None)
        return
    leaving_out.may_end(context.database_context("target"), state, verb, absent.side)


def phase_allows(
    context: TenantContext,
    verb: Verb,
    entry: Entry,
    state: MoveState | None,
) -> None:
    """Raise `RefusedError` where the move's record says that another command ends it, or none."""
    absent, found = context.absent, context.plan
    assert absent is not None
    run = f"`patchworks tenant {{}} {found.tenant} --without {absent.side}`"
    if verb == "finish" and state is None:
        raise RefusedError(
            f"of the move {found.move} no record is left, by which it could be ended",
            remedy=records.WHERE,
        )
    over = state is not None and state.phase in ("finished", "aborted")
    swapped = state is not None and any(swap.outcome == "done" for swap in state.swaps)
    if verb == "finish" and not swapped and not over:
        if absent.side == "source":
            # The ledger was flipped, and the process died before it noted how the swap went.
            raise RefusedError(
                f"{key(entry.placement)} serves {found.tenant} and goes on to, but how the cutover "
                "ended was not recorded, and only both sides tell it",
                remedy=f"bring the server of {key(absent.place)} back, from a backup if need be, "
                f"and run `patchworks tenant move {found.tenant}`",
            )
        raise RefusedError(
            f"{found.described} has not been cut over yet", remedy=run.format("rollback")
        )
    if verb == "abort" and swapped and state is not None:
        if state.serving == absent.side:
            raise _has_writes(found.place(state.serving), found.tenant)
        back = " and brought back" if state.serving == "source" else ""
        raise RefusedError(f"{found.described} was cut over{back}", remedy=run.format("finish"))
