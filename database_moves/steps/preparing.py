"""Prepares both databases for a move, and brings the schema without what rows do not need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from database_moves import context as contexts
from database_moves import control, durable
from database_moves.beside import beside
from database_moves.carry import firing
from database_moves.crash_points import reached
from database_moves.cutover import gate
from database_moves.errors import MoveError, RefusedError
from database_moves.schema import archive, reading, restore
from database_moves.schema import fingerprint as fingerprints
from database_moves.schema.erase import erase
from database_moves.steps.patience import patient
from database_moves.steps.recording import recording

if TYPE_CHECKING:
    from database_moves.context import Context
    from database_moves.database import Database, Side
    from database_moves.durable import Output
    from database_moves.schema.archive import Archive
    from database_moves.schema.reading import Read

MADE = "made"
"""The note on the target that says that whatever it holds is of this move."""

_FINGERPRINT = "fingerprint"


@durable.step("prepare")
@patient
def prepare(move: str) -> Output:
    """Put the control schema into both databases, and let no application into the target."""
    context = contexts.of(move)
    with recording(context, "schema", "prepare") as recorded:
        with context.source.session("prepare") as source:
            control.ensure(source)
            gate.claim(source, move)
        with context.target.session("prepare") as target:
            control.ensure(target)
            gate.shut(target, move)
            if control.recall(target, MADE) is None:
                # Preflight found it empty: what is in it from now on is of this move.
                control.remember(target, MADE, move)
        reached("prepare.closed")
        return recorded.output()


@durable.step("schema")
@patient
def schema(move: str) -> Output:
    """Bring the schema; done again, it begins with an empty target."""
    context = contexts.of(move)
    with recording(context, "schema", "schema") as recorded:
        with context.target.session("schema") as target:
            if control.recall(target, MADE) != move:
                raise MoveError(f"{context.target.address} is not of the move {move}")
        erase(context.target)
        reached("schema.erased")
        if context.options.create_roles:
            from database_moves.schema import roles

            roles.create_missing(context.source, context.target)
        written = bring(context)
        reached("schema.restored")
        with context.source.session("schema") as source, context.target.session("schema") as target:
            firing.carry(source, target)
        return recorded.output(f"{len(written.entries)} objects")


def bring(context: Context) -> Archive:
    """Dump the source's schema and restore what comes before rows, as it was at one moment."""
    for _ in range(3):
        read = _read(context)
        written, before = read.archive, read.fingerprint
        # While the target works, the source can tell.
        now = beside(lambda: fingerprints.fingerprint(context.source))
        try:
            restore.restore_pre_data(written, context.target)
        except MoveError:
            # Of half a change, anything may be said.
            if not fingerprints.differences(before, now.result()):
                raise
        changed = fingerprints.differences(before, now.result())
        if not changed:
            break
        erase(context.target)
    else:
        raise MoveError(
            f"the schema of the source changes all the time: {', '.join(changed[:5])}",
            remedy="stop what changes it and run the same command again",
        )
    with context.source.session("schema") as source:
        control.remember(source, _FINGERPRINT, before.to_json())
    context.archive = written
    return written


def _read(context: Context) -> Read:
    ahead = None if context.ahead is None else context.ahead.schema()
    context.check()
    if ahead is not None:
        return replace(ahead, archive=archive.move(ahead.archive, context.directory))
    return reading.read(
        context.source,
        context.target,
        context.directory,
        context.options,
        stopped=context.stopping.is_set,
    )


def archive_of(context: Context) -> Archive:
    """The schema as it was brought; written again where this machine does not have it."""
    if context.archive is None:
        context.archive = _found(context)
    return context.archive


def _found(context: Context) -> Archive:
    try:
        return archive.load(context.directory)
    except FileNotFoundError:
        pass
    unchanged(context, "source")
    return reading.write(
        context.source,
        context.target,
        context.directory,
        context.options,
        context.stopping.is_set,
    )


def remember_fingerprint(database: Database) -> None:
    """Keep in a database what its schema is now, for `unchanged`."""
    now = fingerprints.fingerprint(database)
    with database.session("schema") as connection:
        control.remember(connection, _FINGERPRINT, now.to_json())


def unchanged(context: Context, side: Side) -> None:
    """Raise `RefusedError` naming what changed in a side's schema since it was remembered."""
    database = context.database(side)
    with database.session("schema") as connection:
        before = fingerprints.Fingerprint.from_json(control.recall(connection, _FINGERPRINT))
    changed = fingerprints.differences(before, fingerprints.fingerprint(database))
    if changed:
        raise RefusedError(
            f"the schema of the {side} changed during the move: {', '.join(changed)}",
            remedy="undo the change; or give the move up and begin another with the new schema",
        )
