"""Lets the target follow the source, and compares the two while it does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from database_moves import context as contexts
from database_moves import control, durable, inventory
from database_moves.crash_points import reached
from database_moves.errors import MoveError, StreamLostError
from database_moves.progress import Step
from database_moves.replication.stream import Stream
from database_moves.replication.trend import LagTrend
from database_moves.schema.refreshing import analyze
from database_moves.state import TableVerified, VerificationRecord, now, stored
from database_moves.steps import preparing
from database_moves.steps.patience import patient
from database_moves.steps.recording import Recording, recording, wait
from database_moves.verification import SlotPosition, VerifyState, verify

if TYPE_CHECKING:
    from database_moves.context import Context
    from database_moves.database import Side
    from database_moves.durable import Output

LOOK_SECONDS = 0.5
_NOTE = "verified"
_LARGEST = 200
"""Tables that the report of a verification lists."""


def stream_to(context: Context, follower: Side) -> Stream:
    """The stream that brings changes to a side."""
    publisher = context.database(contexts.other(follower))
    return Stream(context.move, publisher, context.database(follower))


@durable.step("follow")
@patient
def follow(move: str) -> Output:
    """Subscribe the target from the snapshot on, collect statistics, and wait until it is near."""
    context = contexts.of(move)
    stream = stream_to(context, "target")
    with recording(context, "follow", "follow", stream) as recorded:
        if stream.health().gone:
            return recorded.output("changes were lost while rows were copied", lost=True)
        stream.subscribe(enabled=True)
        stream.enable()
        with stream.heartbeat():
            # Changes come in meanwhile: they are applied by keys, whatever the statistics say.
            analyze(context.target, context.options.jobs, progress=recorded.progress)
            try:
                catch_up(context, stream, recorded)
            except StreamLostError as lost:
                return recorded.output(lost.message, lost=True)
        return recorded.output("the target follows")


def catch_up(context: Context, stream: Stream, recorded: Recording | None = None) -> None:
    """Wait until the follower is within `max_lag_bytes`, however long that takes.

    Raises `StreamLostError` where it never will be, and `MoveError` where applying fails.
    """
    trend = LagTrend()
    since = stream.health()
    failures = 0
    while True:
        known = stream.health()
        if known.gone:
            raise StreamLostError(
                f"the slot {stream.name} is {known.slot_status}: changes are lost",
                remedy="raise max_slot_wal_keep_size on the side that serves",
            )
        if not known.faults(since) and known.lag_bytes is not None:
            if known.lag_bytes <= context.options.max_lag_bytes:
                return
            failures = 0
        elif not known.unreachable:
            failures += 1
            if failures * LOOK_SECONDS > 30:
                raise MoveError(
                    f"{stream.name} does not apply: {'; '.join(known.faults(since))}",
                    remedy=known.last_error,
                )
        if known.written_lsn is not None and known.applied_lsn is not None:
            trend.add(time.monotonic(), known.written_lsn, known.applied_lsn)
        if recorded is not None:
            recorded.progress(_lag(trend, known.lag_bytes or 0))
        wait(context, LOOK_SECONDS)


def _lag(trend: LagTrend, lag: int) -> Step:
    rates = trend.rates()
    detail = ""
    if rates is not None and rates.seconds_left is not None:
        detail = f"caught up in about {rates.seconds_left:.0f} s"
    elif rates is not None:
        detail = (
            f"falling behind: {rates.written / 1e6:.1f} MB/s written, "
            f"{rates.applied / 1e6:.1f} MB/s applied"
        )
    return Step("follow", lag, None, "bytes behind", detail)


@durable.step("verify")
@patient
def verify_follower(move: str) -> Output:
    """Compare all rows while the target follows; raises `MoveError` naming what differs.

    A slot that is lost meanwhile sends the move back to its copy.
    """
    context = contexts.of(move)
    stream = stream_to(context, "target")
    with recording(context, "verify", "verify", stream) as recorded, stream.heartbeat():
        try:
            record = compare(context, "target", recorded)
        except StreamLostError as lost:
            return recorded.output(lost.message, lost=True)
        if stream.health().gone:
            return recorded.output("changes were lost while rows were compared", lost=True)
        # Told now rather than at the cutover, where it would be refused.
        preparing.unchanged(context, "source")
        return recorded.output(
            f"{record.rows} rows in {record.tables} tables agree",
            {"verified_rows": record.rows},
            verification=stored(record),
        )


def compare(context: Context, follower: Side, recorded: Recording) -> VerificationRecord:
    """Compare the follower with the side that serves, going on from an interrupted comparison."""
    stream = stream_to(context, follower)
    serving = stream.publisher
    with serving.session("verify") as connection:
        tables = [t for t in inventory.tables(connection) if t.persistence == "permanent"]
        left = control.recall(connection, _NOTE)

        def save(state: VerifyState) -> None:
            with serving.session("verify") as own:
                control.remember(own, _NOTE, state.model_dump(mode="json"))
            reached("verify.saved")

        found = verify(
            serving,
            stream.subscriber,
            tables,
            jobs=context.options.verify_jobs,
            position=SlotPosition(serving, stream.name),
            progress=recorded.progress,
            resume=None if left is None else VerifyState.model_validate(left),
            save=save,
            copy_id=_copy_id(context),
        )
    if not found.agrees:
        shown = "; ".join(str(difference) for difference in found.differences[:10])
        raise MoveError(
            f"{sum(found.counts.values())} differences: {shown}",
            remedy="the source serves as before; give the move up "
            f"(`{context.commands.abort}`) and report it",
        )
    largest = sorted(found.tables, key=lambda table: -table.bytes)[:_LARGEST]
    return VerificationRecord(
        ended=now(),
        tables=len(found.tables),
        rows=found.rows,
        reread=found.reread,
        differences=0,
        largest=tuple(TableVerified(table=t.table, rows=t.rows, differences=0) for t in largest),
    )


def _copy_id(context: Context) -> str:
    with context.target.session("verify") as connection:
        return str(control.recall(connection, "copy") or "")
