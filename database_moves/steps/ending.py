"""Ends a move: removes all it made, whichever side serves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from database_moves import context as contexts
from database_moves import control, durable, names
from database_moves.carry import firing
from database_moves.crash_points import reached
from database_moves.cutover import gate, sessions
from database_moves.database import gone
from database_moves.errors import MoveError, UnansweredError
from database_moves.schema.erase import erase
from database_moves.steps import last_dump, preparing, swapping
from database_moves.steps.following import stream_to
from database_moves.steps.patience import patient
from database_moves.steps.recording import Recording, recording

if TYPE_CHECKING:
    from database_moves.context import Context
    from database_moves.database import Database, Side
    from database_moves.durable import Output
    from database_moves.replication.removal import Remaining

LEAVING_SECONDS = 10.0
"""How long sessions in a database that is to be dropped are waited for."""

# A database can't be dropped from within.
_BESIDE = """
SELECT datname FROM pg_database
 WHERE datallowconn AND datname <> current_database() AND has_database_privilege(oid, 'CONNECT')
 ORDER BY datname = 'postgres' DESC, datistemplate, datname LIMIT 1
"""


@durable.step("finish")
@patient
def finish(
    move: str, serving: Side, dump: str | None, drop: bool, without: Side | None = None
) -> Output:
    """Remove streams and control schemas; dump and drop the old database where told to.

    The old database that is left lets nobody in but the mover's role, so that nothing is written
    to it by mistake. `without` is the old side, where that is gone for good.
    """
    context = contexts.of(move)
    old = context.database(contexts.other(serving))
    with recording(context, "finishing", "finish") as recorded:
        if drop and gone(old):
            # Dropped by a run that was killed before this was recorded; nothing else was left.
            return recorded.output(f"{old.address} is dropped")
        remaining = _remove_streams(context, without)
        reached("finish.streams-removed")
        if dump is not None:
            with old.session("finish") as connection:
                left = control.exists(connection)
            if left:
                last_dump.dump(old, Path(dump), recorded.progress)
        reached("finish.dumped")
        with context.database(serving).session("finish") as connection:
            if control.exists(connection):
                gate.forget(connection)
                control.remove(connection)
        for pooler in context.poolers:
            pooler.finish()
        reached("finish.serving-released")
        if without is not None:
            return _told(context, recorded, f"the {serving} serves", old, remaining)
        dumped = "" if dump is None else f", and {dump} has its last dump"
        if drop:
            _drop(old)
            reached("finish.dropped")
            return recorded.output(f"{old.address} is dropped{dumped}")
        with old.session("finish") as connection:
            # Last, for it says to a run after a kill that nothing of all this is left to do.
            control.remove(connection)
        reached("finish.old-released")
        return recorded.output(
            f"{old.address} is left{dumped}; it lets nobody in until somebody grants CONNECT on it"
        )


@durable.step("abort")
@patient
def abort(move: str, without: Side | None = None) -> Output:
    """Remove streams, what was copied, and the control schema; open what was shut.

    `without` is a side that is gone for good. What was copied from a source that is gone stays.
    """
    context = contexts.of(move)
    with recording(context, "aborting", "abort") as recorded:
        if without is not None:
            return _abort_without(context, recorded, without)
        _remove_streams(context)
        reached("abort.streams-removed")
        with context.target.session("abort") as connection:
            # A database that this move was not let into is another's, whatever it holds.
            ours = gate.claimant(connection) == move
            made = ours and control.recall(connection, preparing.MADE) == move
        if made:
            erase(context.target)
        reached("abort.erased")
        for database in (context.target, context.source):
            with database.session("abort") as connection:
                if gate.claimant(connection) == move:
                    gate.release(connection)
                    control.remove(connection)
            reached(f"abort.{database.side}-released")
        return recorded.output("the target is as before, and the source serves")


def _abort_without(context: Context, recorded: Recording, without: Side) -> Output:
    if without == "target":
        swapping.settle_alone(context, "source")
    remaining = _remove_streams(context, without)
    reached("abort.streams-removed")
    here = context.database(contexts.other(without))
    with here.session("abort") as connection:
        if gate.claimant(connection) == context.move:
            if without == "target":
                gate.release(connection)
            else:
                # It stays shut: the source may come back one day, and let applications in.
                firing.release(connection)
            control.remove(connection)
    reached(f"abort.{here.side}-released")
    said = (
        "the source serves"
        if without == "target"
        else f"{here.address} keeps what was copied, maybe not all, and lets nobody in until "
        "somebody grants CONNECT on it; sequences and what else no stream carries are not in it"
    )
    return _told(context, recorded, said, context.database(without), remaining)


def _told(
    context: Context,
    recorded: Recording,
    said: str,
    absent: Database,
    remaining: list[Remaining],
) -> Output:
    """Say what is left where nothing could be removed."""
    commands = " ".join(dict.fromkeys(one.command for one in remaining))
    text = (
        f"{said}; should the {absent.side} ({absent.address}) ever come back, drop that database, "
        f"or run in it: {commands} DROP SCHEMA IF EXISTS {names.SCHEMA} CASCADE;"
    )
    context.tell(text)
    return recorded.output(text)


def _remove_streams(context: Context, without: Side | None = None) -> list[Remaining]:
    """Remove both; what is left of them on a side that is left out."""
    found = [*stream_to(context, "target").remove(), *stream_to(context, "source").remove()]
    left = [one for one in found if one.side != without]
    if left:
        listed = "; ".join(f"{r.kind} {r.name} on the {r.side} ({r.reason})" for r in left)
        raise (UnansweredError if any(r.unreachable for r in left) else MoveError)(
            f"not all could be removed: {listed}",
            remedy="see to that and run the same command again, or "
            + " ".join(f"on the {r.side}: {r.command}" for r in left),
        )
    return found


def _drop(old: Database) -> None:
    with old.session("finish") as connection:
        name = connection.info.dbname
        # Nobody comes in any more, and who has just left is there for a moment still.
        until = time.monotonic() + LEAVING_SECONDS
        while (others := sessions.strangers(connection)) and time.monotonic() < until:
            time.sleep(0.1)
        if others:
            raise MoveError(
                f"{old.address} has sessions, and is not dropped: {'; '.join(map(str, others))}",
                remedy="end them and run the same command again",
            )
        beside = connection.execute(_BESIDE).fetchone()
    if beside is None:
        raise MoveError(
            f"{old.address} can't be dropped: no other database there lets the mover's role in",
            remedy="grant it CONNECT on one, such as postgres, and run the same command again",
        )
    elsewhere = type(old)(old.conninfo(dbname=beside[0]), old.side)
    # Forced, for the mover's own lease is a session in that database.
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with elsewhere.session("finish") as connection:
        try:
            connection.execute(statement.as_bytes(connection))
        except psycopg.errors.InsufficientPrivilege as error:
            raise MoveError(
                f"{old.address} can't be dropped: {error.diag.message_primary}",
                remedy="drop it as its owner, then run the same command again",
            ) from error
        except psycopg.errors.ObjectInUse as error:
            raise MoveError(
                f"{old.address} can't be dropped: {error.diag.message_detail or error}",
                remedy="remove what uses it and run the same command again",
            ) from error
