"""What one can ask of a tenant's move: begin or go on, roll back, finish.

Each command first reads the ledger and what is recorded, and goes on from there, so a process that
was killed anywhere is followed by running the same command again.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from database_moves import commands as databases
from database_moves import durable, store
from database_moves.crash_points import reached
from database_moves.errors import RefusedError
from tenant_moves import entries, lease, plan, stages
from tenant_moves.context import TenantContext, store_url
from tenant_moves.slices import key

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from database_moves.options import MoveOptions
    from database_moves.progress import Progress
    from database_moves.state import MoveState
    from stacks.ledger_table import Entry, LedgerTable
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Platform


@dataclass(frozen=True)
class Asked:
    """A tenant, where it is moved, and how."""

    platform: Platform
    tenant: str
    options: MoveOptions
    report: Progress
    stopping: threading.Event


@dataclass(frozen=True)
class Result:
    """What became of a tenant."""

    tenant: str
    serving: str
    """The placement that serves, see `slices.key`."""
    plan: Plan | None
    state: MoveState | None
    """Of the database's move."""
    what: str
    """One sentence."""


def compare(asked: Asked) -> Plan | None:
    """The move there is to make or to go on with; nothing is changed.

    Raises `RefusedError` where the tenant has never been brought up.
    """
    return plan.compare(asked.platform.catalog, asked.tenant, _entry(asked))


def move(asked: Asked) -> Result:
    """Take the tenant where it is declared, or go on with that, until the new side serves.

    Raises `RefusedError` before anything is changed, and `AbortedError` where the cutover was
    undone and the old side serves.
    """
    entry = _entry(asked)
    found = plan.compare(asked.platform.catalog, asked.tenant, entry)
    if found is None:
        return Result(
            asked.tenant,
            key(entry.placement),
            None,
            None,
            f"{asked.tenant} is served where it is declared: there is nothing to move",
        )
    with _held(asked, found) as context:
        entries.begin(_ledger(asked), found, _entry(asked))
        reached("tenant.begun")
        known = _state(asked, found)
        if _over(known):
            return _end(asked, context, known)
        stages.run(context, "expand")
        state = _copied(context, known)
        if state.serving == "source":
            state = databases.cutover(context.database_context("target"), context.url)
        reached("tenant.cut-over")
        return _result(
            asked, found, state, f"{key(found.target)} serves, {key(found.source)} follows"
        )


def rollback(asked: Asked) -> Result:
    """Bring the tenant back to where it was: with every write, or before the cutover at once."""
    found = plan.under_way(_entry(asked))
    with _held(asked, found) as context:
        state = _state(asked, found)
        if _over(state):
            return _end(asked, context, state)
        if state is not None and (state.serving == "target" or _swapping(state)):
            state = databases.rollback(context.database_context("source"), context.url)
        if state is None or not _swapped(state):
            return _give_up(asked, context, state)
        return _result(
            asked, found, state, f"{key(found.source)} serves, {key(found.target)} follows"
        )


def finish(asked: Asked) -> Result:
    """End the move on the side that serves; the other one is dropped from the tenant's stack."""
    found = plan.under_way(_entry(asked))
    with _held(asked, found) as context:
        state = _state(asked, found)
        if _over(state):
            return _end(asked, context, state)
        if state is None or not _swapped(state):
            raise RefusedError(
                f"{found.described} has not been cut over yet",
                remedy=f"`patchworks tenant move {asked.tenant}` goes on, `patchworks tenant "
                f"rollback {asked.tenant}` gives it up",
            )
        ending = context.database_context(state.serving)
        if state.serving == "target":
            state = databases.finish(ending, context.url, dump=None, drop=False)
        else:
            state = databases.abort(ending, context.url)
        return _end(asked, context, state)


def _give_up(asked: Asked, context: TenantContext, state: MoveState | None) -> Result:
    found = context.plan
    if state is not None:
        state = databases.abort(context.database_context("source"), context.url)
        reached("tenant.given-up")
    entries.end(_ledger(asked), found, f"the move to {key(found.target)} was given up")
    return _result(asked, found, state, f"{key(found.source)} serves; the move is given up")


def _end(asked: Asked, context: TenantContext, state: MoveState | None) -> Result:
    """What is left to do when the database's move is over."""
    assert state is not None
    found = context.plan
    serving = found.target if state.serving == "target" else found.source
    entries.end(_ledger(asked), found, f"the move ended in {key(serving)}")
    reached("tenant.ended")
    stages.run(context, "contract")
    return _result(asked, found, state, f"{key(serving)} serves alone")


def _over(state: MoveState | None) -> bool:
    return state is not None and state.phase in ("finished", "aborted")


def _swapping(state: MoveState) -> bool:
    return state.running is not None and ".swap." in state.running


def _swapped(state: MoveState) -> bool:
    return any(swap.outcome == "done" for swap in state.swaps)


def _copied(context: TenantContext, known: MoveState | None) -> MoveState:
    if known is not None and known.phase in ("soak", "rolled-back"):
        return known
    return databases.move(context.database_context("target"), context.url)


def _ledger(asked: Asked) -> LedgerTable:
    return entries.table(asked.platform.catalog.organization, asked.platform.aws)


def _entry(asked: Asked) -> Entry:
    exports = asked.platform.exports(asked.tenant)
    return entries.first(_ledger(asked), asked.platform.catalog, asked.tenant, exports.serving)


def _state(asked: Asked, found: Plan) -> MoveState | None:
    with durable.reading(store_url(asked.platform)) as client:
        return store.load(client, found.move)


@contextlib.contextmanager
def _held(asked: Asked, found: Plan) -> Iterator[TenantContext]:
    server = asked.platform.maintenance(found.source)
    assert server is not None
    with lease.hold(server, asked.tenant):
        yield TenantContext(asked.platform, found, asked.options, asked.report, asked.stopping)


def _result(asked: Asked, found: Plan, state: MoveState | None, what: str) -> Result:
    return Result(asked.tenant, key(_entry(asked).placement), found, state, what)
