"""Exchanges the two sides: prepares the pause, holds it, and turns the streams around."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from database_moves import context as contexts
from database_moves import control, durable, locks
from database_moves.crash_points import reached
from database_moves.cutover import gate, protocol
from database_moves.cutover.guarding import Guard
from database_moves.cutover.swap import Swap
from database_moves.cutover.world import RealWorld
from database_moves.errors import AbortedError, RefusedError, StreamLostError, UnansweredError
from database_moves.schema.refreshing import refresh_materialized_views
from database_moves.state import SwapRecord, now, stored
from database_moves.steps import preparing
from database_moves.steps.following import catch_up, stream_to
from database_moves.steps.patience import patient
from database_moves.steps.recording import recording

if TYPE_CHECKING:
    from database_moves.context import Context
    from database_moves.database import Side
    from database_moves.durable import Output
    from database_moves.replication.stream import Stream

PHASES: dict[Side, Any] = {"target": "cutover", "source": "rollback"}


@durable.step("prepare-swap")
def prepare(move: str, to: Side) -> Output:
    """Settle what an earlier attempt left, then make all that can be made before the pause.

    What forbids the swap is the outcome `refused`, with nothing changed for the applications.
    """
    try:
        return _prepare(move, to)
    except locks.HeldByLockError as held:
        return {"refused": f"{held}{_withdraw(contexts.of(move), to)}"}


@patient
def _prepare(move: str, to: Side) -> Output:
    context = contexts.of(move)
    stream = stream_to(context, to)
    with recording(context, PHASES[to], "prepare swap", stream) as recorded:
        settled = settle(context)
        if settled == to:
            return recorded.output("an interrupted swap was completed", swapped=True)
        if not context.attempts:
            left = _withdraw(context, to)
            text = f"settled before the pause{left}"
            return recorded.output(text, refused=text)
        try:
            preparing.unchanged(context, contexts.other(to))
            for pooler in context.poolers:
                pooler.check(context.options.max_pause)
            with stream.heartbeat():
                catch_up(context, stream)
        except (RefusedError, StreamLostError) as refusal:
            lost = isinstance(refusal, StreamLostError)
            why = f"{refusal.message}; {_lost(context, to)}" if lost else str(refusal)
            return recorded.output("refused", refused=f"{why}{_withdraw(context, to)}")
        # Nobody else changes the follower: what it is now, it is when it begins to serve.
        preparing.remember_fingerprint(context.database(to))
        if context.options.rollback:
            reverse = _reverse(context, to)
            reverse.publish()
            reverse.create_slot()
            reverse.subscribe(enabled=False)
        reached("swap.prepared")
        return recorded.output()


@durable.step("swap")
@patient
def pause(move: str, to: Side, number: int) -> Output:
    """Hold the pause; whatever interrupts it, both sides agree on who serves afterwards."""
    context = contexts.of(move)
    stream = stream_to(context, to)
    began = now()
    with recording(context, PHASES[to], "swap", stream) as recorded:
        world = RealWorld(_swap(context, to))
        if settle(context) == to:
            outcome, reason = "done", ""
        elif not context.attempts:
            outcome, reason = "aborted", "it was interrupted, and not tried again"
        else:
            outcome, reason = _attempt(context, world)
        recorded.write_waits(world.waits.end())
    record = SwapRecord(
        number=number,
        to=to,
        began=began,
        ended=now(),
        outcome="aborted" if outcome == "aborted" else "done",
        reason=reason,
        pause_seconds=world.pause_seconds,
        effects={name: round(seconds, 6) for name, seconds in world.timings.items()},
    )
    return {"swap": stored(record)}


def _attempt(context: Context, world: RealWorld) -> tuple[str, str]:
    with Guard(world.swap, context.directory) as world.guard:
        try:
            protocol.swap(world)
        except AbortedError as aborted:
            return "aborted", aborted.message
        except RefusedError as refusal:
            return "aborted", str(refusal)
        except protocol.UnreachableError as fault:
            raise UnansweredError(
                f"the swap was interrupted and could not be settled: {fault}",
                remedy="run the same command again as soon as both servers and poolers answer",
            ) from fault
    return "done", ""


@durable.step("complete-swap")
@patient
def complete(move: str, to: Side) -> Output:
    """Turn the streams around, and refresh what no stream brings."""
    context = contexts.of(move)
    with recording(context, PHASES[to], "complete swap") as recorded:
        _follow_up(context, to)
        refresh_materialized_views(preparing.archive_of(context), context.database(to))
        return recorded.output(f"the {to} serves")


@durable.step("withdraw-swap")
@patient
def withdraw(move: str, to: Side) -> Output:
    """Remove the way back that was prepared for a swap that was undone."""
    context = contexts.of(move)
    with recording(context, "ready", "withdraw swap") as recorded:
        remaining = _reverse(context, to).remove() if context.options.rollback else ()
        if remaining:
            raise UnansweredError(
                f"the {contexts.other(to)} serves as before, and {remaining[0].kind} "
                f"{remaining[0].name} is left on the {remaining[0].side}: {remaining[0].reason}",
                remedy="run the same command again when both sides answer",
            )
        return recorded.output(f"the {contexts.other(to)} serves as before")


def _lost(context: Context, to: Side) -> str:
    """What is left to do where the follower can never catch up."""
    run = context.commands
    if to == "target":
        return f"the source serves as before: give the move up (`{run.abort}`) and begin another"
    return (
        "the target goes on serving, and the old side can't follow it any more: end the move "
        f"(`{run.finish}`)"
    )


def settle(context: Context) -> Side | None:
    """Bring an interrupted attempt to its end, from what the gates say; the side that serves."""
    with (
        context.source.session("gate") as source,
        context.target.session("gate") as target,
    ):
        gates: dict[Side, protocol.Gate] = {
            "source": gate.read(source),
            "target": gate.read(target),
        }
    serving = [side for side, found in gates.items() if found.state == "open"]
    if len(serving) == 1 and not any(g.state in ("fenced", "handed-over") for g in gates.values()):
        return serving[0]
    side, epoch = protocol.unsettled(gates)
    world = RealWorld(_swap(context, contexts.other(side)))
    try:
        stand = protocol.settle(world, epoch)
        if stand is not protocol.Stand.HANDED_OVER:
            return side
        _follow_up(context, contexts.other(side))
    except protocol.UnreachableError as fault:
        raise UnansweredError(
            f"an interrupted swap can't be settled yet: {fault}",
            remedy="run the same command again as soon as both servers and poolers answer",
        ) from fault
    return contexts.other(side)


def settle_alone(context: Context, side: Side) -> None:
    """Bring an interrupted attempt to its end on the side that serves, without the other.

    Raises `RefusedError` where the other was decided to serve.
    """
    with context.database(side).session("gate") as connection:
        if not control.exists(connection):
            return
        found = gate.read(connection)
    decided = f"the {contexts.other(side)} was to serve, and may hold writes that are nowhere else"
    if found.state not in ("open", "fenced"):
        raise RefusedError(decided)
    world = RealWorld(_swap(context, contexts.other(side)))
    try:
        stand = protocol.settle(world, found.epoch + (found.state == "open"))
    except protocol.UnreachableError as fault:
        raise UnansweredError(f"an interrupted swap can't be settled yet: {fault}") from fault
    if stand is not protocol.Stand.OPEN:
        raise RefusedError(decided)


def _follow_up(context: Context, to: Side) -> None:
    world = RealWorld(_swap(context, to))
    with context.database(contexts.other(to)).session("gate") as former:
        epoch = gate.read(former).epoch
    deadline = time.monotonic() + 120
    while True:
        try:
            protocol.follow_up(world, epoch)
        except protocol.UnreachableError as fault:
            if time.monotonic() > deadline:
                raise UnansweredError(
                    f"the {to} serves, and the old side does not follow it yet: {fault}",
                    remedy="run the same command again when it answers",
                ) from fault
            context.check()
            time.sleep(1)
        else:
            return


def _swap(context: Context, to: Side) -> Swap:
    return Swap(
        move=context.move,
        forward=stream_to(context, to),
        reverse=_reverse(context, to) if context.options.rollback else None,
        poolers=context.poolers,
        switch=context.switch,
        max_pause=context.options.max_pause,
        carry_seconds=context.options.carry_seconds,
        cancel_blockers=context.options.cancel_blockers,
    )


def _withdraw(context: Context, to: Side) -> str:
    """Remove the way back, and say what is left of it: the next swap uses it, any end removes it.

    A side that is down is no reason to keep from anyone that the other one serves.
    """
    left = _reverse(context, to).remove() if context.options.rollback else ()
    return "".join(f"; {r.kind} {r.name} is left on the {r.side} ({r.reason})" for r in left)


def _reverse(context: Context, to: Side) -> Stream:
    return stream_to(context, contexts.other(to))
