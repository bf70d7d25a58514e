"""What one can ask of a tenant's move: begin or go on, roll back, finish.

Each command first reads the ledger and what is recorded, and goes on from there, so a process that
was killed anywhere is followed by running the same command again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves import commands as databases
from database_moves import durable, store
from database_moves.crash_points import reached
from database_moves.errors import RefusedError
from tenant_moves import checks, earlier, entries, plan, records, retained, stages, ways
from tenant_moves.asked import Asked, Result
from tenant_moves.context import driven_by
from tenant_moves.holding import held
from tenant_moves.lease import HeldError
from tenant_moves.slices import key, same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.tenant import Placement, Retained
    from database_moves.database import Side
    from database_moves.state import MoveState
    from stacks.ledger_table import Entry
    from tenant_moves.context import TenantContext
    from tenant_moves.plan import Plan

__all__ = ["Asked", "HeldError", "Result", "check", "compare", "finish", "move", "rollback"]


def compare(asked: Asked) -> Plan | None:
    """The move there is to make or to go on with; nothing is changed.

    Raises `RefusedError` where the tenant has never been brought up.
    """
    return plan.compare(asked.platform.catalog, asked.tenant, asked.entry())


def check(asked: Asked, found: Plan) -> None:
    """Raise `RefusedError` with every reason why a move can't be begun."""
    checks.check(asked.platform, found)


def move(asked: Asked) -> Result:
    """Take the tenant where it is declared, or go on with that, until the new side serves.

    Raises `RefusedError` before anything is changed, and `AbortedError` where the cutover was
    undone and the old side serves.
    """
    entry = asked.entry()
    found = plan.compare(asked.platform.catalog, asked.tenant, entry)
    if found is None:
        what = f"{asked.tenant} is served where it is declared: there is nothing to move"
        if ways.tidy(asked.platform, asked.tenant, entry):
            what += "; its cells are parted"
        return Result(asked.tenant, key(entry.placement), None, None, what)
    with held(asked, found, entry) as context:
        if found.parting:
            return _leave(asked, context, None)
        if found.closing:
            return _close(asked, context, _state(context))
        if not found.begun:
            check(asked, found)
        entries.begin(asked.ledger, found, entry, _there(asked, found, entry))
        reached("tenant.begun")
        known = _state(context)
        if _over(known):
            return _end(asked, context, known)
        _join(asked, context, known)
        earlier.clear(asked.platform, found)
        stages.run(context, "expand")
        state = _copied(asked, context, known)
        stages.run(context, "objects")
        if state.serving == "source" or _swapping(state):
            _approach(asked, context, "target")
            state = databases.cutover(context.database_context("target"), context.url)
        reached("tenant.cut-over")
        _late(context, "target")
        records.keep(context, found.target)
        _settle(context, state)
        return asked.result(
            found, state, f"{key(found.target)} serves, {key(found.source)} follows"
        )


def rollback(asked: Asked) -> Result:
    """Bring the tenant back to where it was: with every write, or before the cutover at once."""
    entry = asked.entry()
    found = plan.under_way(entry)
    with held(asked, found, entry) as context:
        if found.parting:
            return _leave(asked, context, None)
        state = _state(context)
        if found.closing:
            return _close(asked, context, state)
        if _over(state):
            return _end(asked, context, state)
        if state is not None and (state.serving == "target" or _swapping(state)):
            _approach(asked, context, "source")
            state = databases.rollback(context.database_context("source"), context.url)
        if state is None or state.phase == "aborting" or not _swapped(state):
            return _give_up(asked, context, state)
        _late(context, "source")
        records.keep(context, found.source)
        _settle(context, state)
        return asked.result(
            found, state, f"{key(found.source)} serves, {key(found.target)} follows"
        )


def finish(asked: Asked, *, drop: bool) -> Result:
    """End the move on the side that serves; the other one is dropped from the tenant's stack.

    The last dump of the database that was left goes to the backups of the cell that serves; `drop`
    says whether that database is dropped then.
    """
    entry = asked.entry()
    found = plan.under_way(entry)
    with held(asked, found, entry) as context:
        if found.parting:
            return _leave(asked, context, None)
        state = _state(context)
        if found.closing:
            return _close(asked, context, state, drop)
        if _over(state):
            return _end(asked, context, state, drop)
        if state is None or not _swapped(state):
            raise RefusedError(
                f"{found.described} has not been cut over yet",
                remedy=f"`patchworks tenant move {asked.tenant}` goes on, `patchworks tenant "
                f"rollback {asked.tenant}` gives it up",
            )
        _settle(context, state)
        ending = context.database_context(state.serving)
        if state.serving == "target":
            ending.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = str(context.dump_file)
            state = databases.finish(ending, context.url, dump=file, drop=False)
        else:
            # What ends it without a side that is gone is the same command, not `rollback`.
            ran = driven_by(asked.tenant)
            ending.driven_by = ran.model_copy(update={"abort": ran.finish})
            state = databases.abort(ending, context.url)
        reached("tenant.database-ended")
        return _end(asked, context, state, drop)


def _give_up(asked: Asked, context: TenantContext, state: MoveState | None) -> Result:
    found = context.plan
    if state is None:
        records.check_none_missing(context, "source")
    else:
        state = databases.abort(context.database_context("source"), context.url)
        reached("tenant.given-up")
        records.keep(context, found.source)
    _abandon(asked, found, f"the move to {key(found.target)} was given up")
    return asked.result(found, state, f"{key(found.source)} serves; the move is given up")


def _abandon(asked: Asked, found: Plan, why: str) -> None:
    """End a move that was not cut over."""
    _part(asked, found)
    entries.end(asked.ledger, found, why, _left(asked, found.source, found.target))


def _part(asked: Asked, found: Plan) -> None:
    """Close the way to the other cell, unless the tenant's file has its stack in both still."""
    if found.parting or len(asked.platform.exports(asked.tenant).slices) == 1:
        ways.part(asked.platform, asked.tenant, found.move)


def _join(asked: Asked, context: TenantContext, known: MoveState | None) -> None:
    """Open the way to another cell, and ask the target there what could not be asked before."""
    found = context.plan
    if found.source.cell == found.target.cell:
        return
    stages.run(context, "join")
    if known is not None:
        return
    try:
        checks.check_target(asked.platform, found)
    except RefusedError:
        _abandon(asked, found, f"{key(found.target)} refused the move")
        raise


def _approach(asked: Asked, context: TenantContext, to: Side) -> None:
    """Bring what changed since, so that little is left for the pause.

    Never into the side that serves: what was written there since is in no other bucket. The ledger
    is ahead of the gates for a moment, and never behind them while clients write.
    """
    place = context.plan.target if to == "target" else context.plan.source
    if same(asked.entry().placement, place):
        return
    context.begin("objects")
    exports = context.platform.exports(context.plan.tenant)
    context.belongings(exports).approach(to, context.check, context.report)


def _late(context: TenantContext, to: Side) -> None:
    context.belongings(context.platform.exports(context.plan.tenant)).late(to)


def _settle(context: TenantContext, state: MoveState) -> None:
    """Protect what serves now, and no longer what served: a stack can't drop what it protects."""
    stages.run(context, "settle", turn=len(state.swaps))


def _end(
    asked: Asked, context: TenantContext, state: MoveState | None, drop: bool = False
) -> Result:
    """What is left to do when the database's move is over."""
    assert state is not None
    found = context.plan
    serving = found.target if state.serving == "target" else found.source
    if state.phase == "finished":
        stages.run(context, "dump", serving=state.serving)
    other = found.source if same(serving, found.target) else found.target
    left = _left(asked, serving, other)
    entries.close(asked.ledger, found, f"the move ended in {key(serving)}", left)
    reached("tenant.closed")
    return _close(asked, context, state, drop)


def _close(
    asked: Asked, context: TenantContext, state: MoveState | None, drop: bool = False
) -> Result:
    """Contract the stack; then nothing declares the old database, and it may go."""
    assert state is not None
    stages.run(context, "contract")
    if drop and state.phase == "finished":
        old = stages.run(context, "dump", serving=state.serving)["old"]
        stages.run(context, "drop", old=old)
    return _leave(asked, context, state)


def _leave(asked: Asked, context: TenantContext, state: MoveState | None) -> Result:
    """Close the way to the cell that was left; nothing there is reached from here on."""
    records.keep(context, asked.entry().placement)
    _part(asked, context.plan)
    entry = entries.end(asked.ledger, context.plan, "the stack has one slice")
    reached("tenant.ended")
    assert entry is not None
    return asked.result(context.plan, state, f"{key(entry.placement)} serves alone")


def _over(state: MoveState | None) -> bool:
    return state is not None and state.phase in ("finished", "aborted")


def _swapping(state: MoveState) -> bool:
    return state.running is not None and ".swap." in state.running


def _swapped(state: MoveState) -> bool:
    return any(swap.outcome == "done" for swap in state.swaps)


def _copied(asked: Asked, context: TenantContext, known: MoveState | None) -> MoveState:
    # A swap that was begun either way is settled by the cutover, which knows where it is to lead.
    if known is not None and known.phase in ("soak", "rolled-back", "cutover", "rollback"):
        return known
    try:
        return databases.move(context.database_context("target"), context.url)
    except databases.PreflightRefusedError:
        # Nothing of the database was touched; the slice that is there already is what is declared.
        _abandon(asked, context.plan, "the preflight of the database refused the move")
        raise


def _there(asked: Asked, found: Plan, entry: Entry) -> Sequence[Retained] | None:
    """What is left where a move goes to; None where it has begun, or the stack has a slice there.

    A tenant may have left before the ledger remembered, and people may have cleared up since.
    """
    cell = found.target.cell
    if found.begun or cell in asked.platform.exports(asked.tenant).slices:
        return None
    there = retained.look(asked.platform.catalog, asked.platform.aws, asked.tenant, cell)
    return retained.with_cell(entry.retained, cell, there)


def _left(asked: Asked, serving: Placement, other: Placement) -> Retained | None:
    """What the cloud keeps of the side that is let go of; None within one cell."""
    if serving.cell == other.cell:
        return None
    return retained.look(asked.platform.catalog, asked.platform.aws, asked.tenant, other.cell)


def _state(context: TenantContext) -> MoveState | None:
    with durable.reading(context.url) as client:
        return store.load(client, context.plan.move)
