"""Ends a tenant's move whose one side is gone for good: a database server, or a whole cell.

Nothing is asked of that side. The ledger says first, by compare-and-set, that it is given up, and
from then on no mover that was cut off can let it serve. The lease is taken on the server of the
side that stays. What the stack has on the side that is gone, its state lets go of.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from database_moves import commands as databases
from database_moves import context as contexts
from database_moves import durable, store
from database_moves.crash_points import reached
from database_moves.errors import MoveError, RefusedError
from tenant_moves import cloud_faults, entries, leaving, plan, retained, stages, ways
from tenant_moves.absent import Absent
from tenant_moves.cloud_faults import CredentialsError
from tenant_moves.holding import held_without
from tenant_moves.slices import key, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.tenant import Retained
    from database_moves.database import Side
    from database_moves.state import MoveState
    from stacks.ledger_table import Entry
    from tenant_moves.asked import Asked, Result
    from tenant_moves.context import TenantContext
    from tenant_moves.leaving import Verb
    from tenant_moves.plan import Plan


def finish(asked: Asked, side: Side, *, whole_cell: bool) -> Result:
    """End a move on the side that serves, without the other one; there is no last dump.

    `whole_cell` says that the cell of that side is gone, too. Raises `RefusedError` where the side
    answers, or where it serves.
    """
    return _end(asked, "finish", side, whole_cell)


def rollback(asked: Asked, side: Side, *, whole_cell: bool) -> Result:
    """Give up a move that was not cut over, without its target; as `finish` else."""
    return _end(asked, "abort", side, whole_cell)


def _end(asked: Asked, verb: Verb, side: Side, whole_cell: bool) -> Result:
    entry = asked.entry()
    found = plan.under_way(entry)
    absent = _sides(asked, entry, found, side, whole_cell)
    stays = absent.stays
    leaving.may_be_left_out(asked, verb, entry, absent)
    with held_without(asked, found, entry, absent) as context:
        state = _load(context)
        with _told_of_the_cell(context, verb):
            if entry.keeps is not None:
                leaving.phase_allows(context, verb, entry, state)
            if entry.gone is None:
                leaving.is_gone(context, verb, entry, state)
            leaving.is_not_declared(asked, absent)
            if entry.gone is None:
                entry = entries.give_up(asked.ledger, found, entry, absent.place)
            reached("tenant.side-given-up")
            _stop_what_is_pending(context)
            if entry.keeps is not None:
                state = _end_database(asked, context, verb, state)
                reached("tenant.database-ended")
                entries.flip(asked.ledger, found, stays, f"{key(stays)} serves")
                why = f"the move ended in {key(stays)}, without {key(absent.place)}"
                entries.close(asked.ledger, found, why, _left(asked, absent))
            reached("tenant.closed")
            left = stages.run(context, "let-go-cell" if whole_cell else "let-go")["left"]
            stages.run(context, "contract")
        lost = absent.lost(asked.platform.catalog) if whole_cell else None
        left = [*left, *ways.part(asked.platform, asked.tenant, found.move, lost)]
        told = _told(context, state, left)
        entries.end(asked.ledger, found, f"the stack has one slice; {key(absent.place)} was left")
        reached("tenant.ended")
        result = asked.result(found, state, f"{key(stays)} serves alone")
        return replace(result, told=told, left=tuple(left))


def _sides(asked: Asked, entry: Entry, found: Plan, side: Side, whole_cell: bool) -> Absent:
    """The side to leave out."""
    other = contexts.other(side)
    if entry.keeps is not None:
        if entry.gone is not None and not same(entry.gone, found.place(side)):
            raise RefusedError(
                f"the move is being ended without {key(entry.gone)}",
                remedy=f"run it again with `--without {other}`",
            )
        return Absent(side, found.place(side), whole_cell, found.place(other))
    # Only the history still says which placement was let go of, and where the move began.
    of_move = [each for each in asked.ledger.history(asked.tenant) if each.move == found.move]
    place = entry.gone or next(each.keeps for each in reversed(of_move) if each.keeps)
    known: Side = "source" if same(place, of_move[0].placement) else "target"
    if side != known:
        raise RefusedError(
            f"{key(entry.placement)} serves alone, and {key(place)} is the {known} of that move",
            remedy=f"run it again with `--without {known}`",
        )
    return Absent(side, place, whole_cell, entry.placement)


def _load(context: TenantContext) -> MoveState | None:
    with durable.reading(context.url) as client:
        return store.load(client, context.plan.move)


def _stop_what_is_pending(context: TenantContext) -> None:
    """What a killed command has left would be gone on with, and asks the side that is gone."""
    with durable.reading(context.url) as client:
        for pending in store.pending(client, context.executor):
            client.cancel_workflow(pending)


def _end_database(
    asked: Asked, context: TenantContext, verb: Verb, state: MoveState | None
) -> MoveState | None:
    assert context.absent is not None
    if state is None or state.phase in ("finished", "aborted"):
        return state
    without = context.absent.side
    # A swap that was begun is undone: it was to lead to the target.
    ending = context.database_context("target")
    try:
        if verb == "finish":
            return databases.finish(ending, context.url, dump=None, drop=False, without=without)
        return databases.abort(ending, context.url, without=without)
    except RefusedError:
        # The side has come back, or somebody else is at work there.
        entries.give_up(asked.ledger, context.plan, asked.entry(), None)
        raise


def _left(asked: Asked, absent: Absent) -> Retained | None:
    """What the cloud keeps in the cell that is left, where it can be asked."""
    if absent.whole_cell or absent.place.cell == absent.stays.cell:
        return None
    return retained.look(
        asked.platform.catalog, asked.platform.aws, asked.tenant, absent.place.cell
    )


@contextlib.contextmanager
def _told_of_the_cell(context: TenantContext, verb: Verb) -> Iterator[None]:
    """Say of what fails how to go on where the rest of the cell does not answer either."""
    absent = context.absent
    assert absent is not None
    try:
        with cloud_faults.explained():
            yield
    except (RefusedError, CredentialsError):
        raise
    except MoveError as error:
        if absent.whole_cell or absent.place.cell == absent.stays.cell:
            raise
        command = "finish" if verb == "finish" else "rollback"
        raise MoveError(
            error.message,
            remedy=f"{error.remedy or 'run the same command again'}; if all of {absent.place.cell} "
            f"is gone for good: `patchworks tenant {command} {context.plan.tenant} --without "
            f"{absent.side} --whole-cell`",
        ) from error


def _told(context: TenantContext, state: MoveState | None, left: list[str]) -> tuple[str, ...]:
    """What is given up, and what a person does where that side comes back one day."""
    assert context.absent is not None
    place, tenant = context.absent.place, context.plan.tenant
    told = []
    with durable.reading(context.url) as client:
        ended = store.begun(client, context.plan.move, "finish")
    if any(each.get("without") for each in ended):
        told.append(f"no last dump of the database in {key(place)} was kept")
    ends = [step for step in state.steps if step.name in ("finish", "abort")] if state else []
    told += [step.note for step in ends[-1:]]
    if left:
        told.append(
            f"the stack of {tenant} has let go of {len(left)} resources in {place.cell} and "
            "deleted none of them: delete by hand what is still there"
        )
    told.append(f"{tenant} can't move to {key(place)} while its database is there")
    return tuple(told)
