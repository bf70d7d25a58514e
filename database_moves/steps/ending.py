"""Ends a move: removes all it made, whichever side serves."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from database_moves import context as contexts
from database_moves import control, durable
from database_moves.cutover import gate, sessions
from database_moves.errors import MoveError, UnansweredError
from database_moves.schema import archive, programs
from database_moves.schema.erase import erase
from database_moves.steps.following import stream_to
from database_moves.steps.patience import patient
from database_moves.steps.recording import Recording, recording

if TYPE_CHECKING:
    from database_moves.context import Context
    from database_moves.database import Database, Side
    from database_moves.durable import Output


@durable.step("finish")
@patient
def finish(move: str, serving: Side, dump: str | None, drop: bool) -> Output:
    """Remove streams and control schema; dump and drop the old database where told to."""
    context = contexts.of(move)
    with recording(context, "soak", "finish") as recorded:
        _remove_streams(context)
        old = context.database(contexts.other(serving))
        if dump is not None:
            _dump(old, Path(dump), recorded)
        with context.database(serving).session("finish") as connection:
            control.remove(connection)
        for pooler in context.poolers:
            pooler.finish()
        if drop:
            _drop(old)
            return recorded.output(f"{old.address} is dropped")
        return recorded.output(f"{old.address} is left, and lets nobody in")


@durable.step("abort")
@patient
def abort(move: str) -> Output:
    """Remove streams, what was copied, and the control schema; open what was shut."""
    context = contexts.of(move)
    with recording(context, "aborted", "abort") as recorded:
        _remove_streams(context)
        erase(context.target)
        for database in (context.target, context.source):
            with database.session("abort") as connection:
                if control.exists(connection):
                    gate.release(connection)
                    control.remove(connection)
        return recorded.output("the target is empty, and the source serves as before")


def _remove_streams(context: Context) -> None:
    left = [*stream_to(context, "target").remove(), *stream_to(context, "source").remove()]
    if left:
        listed = "; ".join(f"{r.kind} {r.name} on the {r.side} ({r.reason})" for r in left)
        raise UnansweredError(
            f"not all could be removed: {listed}",
            remedy="run the same command again when both sides answer, or "
            + " ".join(f"on the {r.side}: {r.command}" for r in left),
        )


def _dump(old: Database, file: Path, recorded: Recording) -> None:
    """A last dump of the old database: whole or not there."""
    with old.session("finish") as connection:
        program = programs.find(connection.info.server_version // 10000).pg_dump
    part = file.with_name(f"{file.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        process = subprocess.Popen(  # noqa: S603 - a fixed command without a shell
            [program, "--format=custom", "--no-password"],
            env=archive.environment(old),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.PIPE,
        )
        _, said = process.communicate()
        os.fsync(written.fileno())
    if process.returncode != 0:
        part.unlink()
        last = archive.without_secrets(said.decode(errors="replace").strip(), old)
        raise MoveError(f"the last dump of {old.address} failed: {last}")
    part.rename(file)
    recorded.output(f"dumped to {file}")


def _drop(old: Database) -> None:
    with old.session("finish") as connection:
        name = connection.info.dbname
        if sessions.strangers(connection):
            raise MoveError(f"{old.address} has sessions, and is not dropped")
    elsewhere = type(old)(old.conninfo(dbname="postgres"), old.side)
    with elsewhere.session("finish") as connection:
        try:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)).as_bytes()
            )
        except psycopg.errors.InsufficientPrivilege as error:
            raise MoveError(
                f"{old.address} can't be dropped: {error.diag.message_primary}",
                remedy="drop it as its owner",
            ) from error
