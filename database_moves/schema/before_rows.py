"""Makes everything on the target that rows need: types, functions, tables, sequences, views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from database_moves import crash_points
from database_moves.errors import RefusedError
from database_moves.schema import erasing, restoring, statements
from database_moves.schema.contents import Section

if TYPE_CHECKING:
    from database_moves.database import Database
    from database_moves.schema.archive import Archive
    from database_moves.schema.contents import Entry

# Created last of all, and by a superuser only: a mover learns that before it copies for hours.
_TRIED = ("EVENT TRIGGER",)


def restore_pre_data(archive: Archive, target: Database) -> None:
    """Make it all, or nothing; a call after a crash goes on where that was.

    The target holds nothing but extensions and what an earlier call made. Raises `RefusedError`
    naming what the target does not take from this role; what was made is removed again then.
    """
    restoring.prepare(target)
    with target.session(restoring.PURPOSE, settings=restoring.SETTINGS) as connection:
        entries = [entry for entry in archive.entries if entry.section is Section.BEFORE_ROWS]
        erasing.remember_extensions(connection)
        same = _comments_of_extensions(connection)
        entries = [entry for entry in entries if _comment(entry) not in same]
        try:
            restoring.run(connection, archive, entries)
            _try_later_ones(connection, archive)
        except RefusedError:
            erasing.erase_in(connection)
            raise
    crash_points.reached("schema.before-rows")


def _comments_of_extensions(connection: restoring.Connection) -> set[tuple[str, str]]:
    """Those that creating the extensions brought, which only their owner may set again."""
    rows: list[tuple[Any, ...]] = connection.execute(
        "SELECT name, comment FROM pg_available_extensions WHERE comment IS NOT NULL"
    ).fetchall()
    return {(name, comment) for name, comment in rows}


def _comment(entry: Entry) -> tuple[str, str]:
    """Name and text of a comment on an extension; of another entry, nothing."""
    if entry.kind != "COMMENT" or not entry.name.startswith("EXTENSION "):
        return ("", "")
    name = entry.name.removeprefix("EXTENSION ").strip('"').replace('""', '"')
    comment = entry.statement.partition(" IS ")[2].strip().removesuffix(";")
    return (name, comment.strip("'").replace("''", "'"))


def _try_later_ones(connection: restoring.Connection, archive: Archive) -> None:
    refused = []
    for entry in archive.entries:
        if entry.kind in _TRIED:
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(statements.text(entry, archive).encode())
            except psycopg.errors.InsufficientPrivilege as error:
                refused.append(f"{entry}: {restoring.message(error)}")
    if refused:
        raise RefusedError(
            f"the target does not take from this role: {'; '.join(refused)}",
            remedy="drop them on the source for the time of the move, or move as a superuser",
        )
