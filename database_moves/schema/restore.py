"""Makes everything but rows, indexes and keys on the target: what rows need, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from database_moves import crash_points
from database_moves.errors import MoveError, RefusedError
from database_moves.progress import Progress, Step, silent
from database_moves.schema import erase, indexes, restoring, sessions, statements
from database_moves.schema.contents import Section
from database_moves.schema.sessions import Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from database_moves.database import Database
    from database_moves.schema.archive import Archive, ForeignKeyFact
    from database_moves.schema.contents import Entry

_LARGE = 8 * 1024**2
"""Bytes of a table above which its foreign keys are validated apart, beside those of others."""

_SIZES = """
SELECT n.nspname, c.relname, pg_table_size(c.oid)
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r'
"""

_NOT_VALID = (" NOT VALID;", " NOT ENFORCED;")

# Created last of all, and by a superuser only: a mover learns that before it copies for hours.
_TRIED = ("EVENT TRIGGER",)


def restore_pre_data(archive: Archive, target: Database) -> None:
    """Make it all, or nothing; a call after a crash goes on where that was.

    The target holds nothing but extensions and what an earlier call made. Raises `RefusedError`
    naming what the target does not take from this role; what was made is removed again then.
    """
    with restoring.session(target) as connection:
        entries = [entry for entry in archive.entries if entry.section is Section.BEFORE_ROWS]
        erase.remember_extensions(connection)
        same = _comments_of_extensions(connection)
        entries = [entry for entry in entries if _comment(entry) not in same]
        try:
            restoring.run(connection, archive, entries)
            _try_later_ones(connection, archive)
        except RefusedError:
            erase.erase_in(connection)
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


def restore_rest(
    archive: Archive,
    target: Database,
    jobs: int = 4,
    *,
    memory: int = 512 * 1024**2,
    progress: Progress = silent,
) -> int:
    """Make all that is not there yet, after `build_indexes`; how many objects that were.

    Foreign keys are checked against the rows, in at most `jobs` sessions with `memory` bytes each.
    Triggers get the source's firing modes: `carry.firing` turns those off that would fire for
    replicated rows. Idempotent. Raises `RefusedError` naming what the target does not take and
    `MoveError` naming a foreign key that rows break.
    """
    taken = {entry.number for entry in indexes.entries_of(archive)}
    rest = [
        entry
        for entry in archive.entries
        if entry.section is Section.AFTER_ROWS and entry.number not in taken
    ]
    with restoring.session(target) as connection:
        sizes = {}
        if archive.foreign_keys:
            sizes = {(schema, name): size for schema, name, size in connection.execute(_SIZES)}
        large = {
            fact.oid: fact
            for fact in archive.foreign_keys
            if sizes.get((fact.schema, fact.table), 0) >= _LARGE
        }
        first, keys, last = _in_order(rest)
        count = restoring.run(connection, archive, first)
        crash_points.reached("rest.before-foreign-keys")
        unchecked = {entry.key: _unchecked(entry) for entry in keys if entry.oid in large}
        count += restoring.run(connection, archive, keys, unchecked)
        crash_points.reached("rest.foreign-keys-added")
        _validate(target, large.values(), sizes, jobs, memory, progress)
        count += restoring.run(connection, archive, last)
    crash_points.reached("rest.restored")
    return count


def _in_order(entries: list[Entry]) -> tuple[list[Entry], list[Entry], list[Entry]]:
    """What needs no foreign key, the foreign keys, and what follows them or would watch them."""
    first: list[Entry] = []
    keys: list[Entry] = []
    last: list[Entry] = []
    numbers: set[int] = set()
    for entry in entries:
        if entry.kind == "FK CONSTRAINT":
            keys.append(entry)
            numbers.add(entry.number)
        elif entry.needs & numbers or entry.kind == "EVENT TRIGGER":
            last.append(entry)
            numbers.add(entry.number)
        else:
            first.append(entry)
    return first, keys, last


def _unchecked(entry: Entry) -> str:
    """The statement that adds a foreign key without looking at the rows yet."""
    statement = entry.statement.rstrip()
    if statement.endswith(_NOT_VALID) or not statement.endswith(";"):
        return statement + "\n"
    return statement.removesuffix(";") + " NOT VALID;\n"


def _validate(
    target: Database,
    facts: Iterable[ForeignKeyFact],
    sizes: dict[tuple[str, str], int],
    jobs: int,
    memory: int,
    progress: Progress,
) -> None:
    """Check the foreign keys of several tables at once; those of one table exclude each other."""
    by_table: dict[tuple[str, str], list[ForeignKeyFact]] = {}
    for fact in facts:
        by_table.setdefault((fact.schema, fact.table), []).append(fact)

    def task(table: tuple[str, str], of_table: list[ForeignKeyFact]) -> Task:
        def run(connection: psycopg.Connection[Any]) -> Iterable[Task]:
            for fact in of_table:
                _validate_one(connection, fact)
            return ()

        return Task(sizes[table], len(of_table), ".".join(table), run)

    tasks = [task(*item) for item in by_table.items()]
    total = sum(task.counts for task in tasks)
    sessions.work(
        target,
        tasks,
        jobs,
        {"maintenance_work_mem": f"{max(1024, memory // 1024)}kB"},
        lambda done, what: progress(Step("foreign keys", done, total, "constraints", what)),
    )


def _validate_one(connection: psycopg.Connection[Any], fact: ForeignKeyFact) -> None:
    try:
        connection.execute(
            sql.SQL("ALTER TABLE ONLY {} VALIDATE CONSTRAINT {}").format(
                sql.Identifier(fact.schema, fact.table), sql.Identifier(fact.name)
            )
        )
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise MoveError(
            f"foreign key {fact.name} of {fact.schema}.{fact.table} can't be validated: "
            f"{restoring.message(error)}"
        ) from None
    crash_points.reached("rest.foreign-key-validated")
