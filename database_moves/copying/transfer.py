"""Copies one task's parts: their rows and their lines in the ledger, in one transaction."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from database_moves import crash_points
from database_moves.copying import statements, through_libpq, wire
from database_moves.inventory import qualified_name
from database_moves.schema import restoring

if TYPE_CHECKING:
    from collections.abc import Callable

    from database_moves.copying.parts import Part, Task
    from database_moves.database import Database
    from database_moves.schema.along import Build

_READ_ONLY = {
    "default_transaction_isolation": "repeatable read",
    "default_transaction_read_only": "on",
    # A lock is waited for rather than the whole copy begun anew; it is told whose it is.
    "lock_timeout": "0",
    # Parts are read by their pages alone, and a plan over all pages would read them for each part.
    "enable_tidscan": "on",
}

# What a crash of the target takes back is taken back whole, rows and ledger; the copy's end looks
# at the ledger under a synchronous commit.
_UNHURRIED = {**restoring.SETTINGS, "synchronous_commit": "off", "lock_timeout": "0"}


class SnapshotGoneError(Exception):
    """The source knows no such snapshot any more."""


class RewrittenError(Exception):
    """Rows are no longer on the pages that the plan divided."""


class UnexpectedRowsError(Exception):
    """The target holds rows that no part accounts for."""


class PartError(Exception):
    """An error of a server while a part was copied; it names table and part."""

    def __init__(self, part: Part, cause: psycopg.Error) -> None:
        self.cause = cause
        super().__init__(f"{described(part)}: {str(cause).strip()}")


class BuildError(Exception):
    """A table's indexes can't be built along with its rows."""


@dataclass(frozen=True)
class Copied:
    """What one task brought."""

    rows: int
    bytes: int


class Transfer:
    """A session on each side, kept from one task to the next."""

    def __init__(
        self,
        source: Database,
        target: Database,
        snapshot: str,
        identity: str,
        passed: Callable[[int], None],
    ) -> None:
        self._source = source
        self._target = target
        self._snapshot = snapshot
        self._identity = identity
        self._passed = passed
        self._reading: psycopg.Connection[Any] | None = None
        self._writing: psycopg.Connection[Any] | None = None

    def close(self) -> None:
        """Close both sessions; what was not committed is rolled back."""
        for connection in (self._reading, self._writing):
            if connection is not None:
                connection.close()
        self._reading = self._writing = None

    def open(self) -> None:
        """Open both sessions before there is anything to copy; what fails, fails again later."""
        with contextlib.suppress(psycopg.Error):
            self._sessions()

    def copy(self, task: Task) -> Copied:
        """Copy what of the task the target does not have yet, and commit it.

        After an error both sessions are closed. Raises `SnapshotGoneError`, `RewrittenError`,
        `UnexpectedRowsError`, `BuildError`, and `psycopg.Error` or `PartError` as the servers
        would.
        """
        try:
            return self._copy(task)
        except BaseException:
            self.close()
            raise

    def _copy(self, task: Task) -> Copied:
        reading, writing = self._sessions()
        writing.execute("BEGIN")
        missing = self._enter(writing, task)
        sizes = []
        if missing:
            self._begin_reading(reading, missing)
            _make_ready(writing, missing)
            there = _built(writing, missing)
            built: list[str] = []
            for part in missing:
                try:
                    sizes.append(self._rows(reading, writing, part))
                    if part.build is not None and there.isdisjoint(part.build.keys):
                        _build(writing, part.build)
                        built += part.build.keys
                except psycopg.Error as error:
                    raise PartError(part, error) from error
            if built:
                restoring.record(writing, built)
            self._settle(writing, missing, sizes)
            reading.execute("ROLLBACK")
        crash_points.reached("copy.before-commit")
        writing.execute("COMMIT")
        crash_points.reached("copy.part-done")
        return Copied(sum(rows for rows, _ in sizes), sum(size for _, size in sizes))

    def _sessions(self) -> tuple[psycopg.Connection[Any], psycopg.Connection[Any]]:
        if self._reading is None:
            self._reading = self._source.connect("copy", settings=_READ_ONLY)
        if self._writing is None:
            self._writing = self._target.connect("copy", settings=_UNHURRIED)
        return self._reading, self._writing

    def _enter(self, writing: psycopg.Connection[Any], task: Task) -> list[Part]:
        """Put the parts into the ledger; those that were there are done already.

        This waits for another transaction that has them in hand: that of a lost connection, whose
        end nobody here has seen.
        """
        rows = [[part.table.schema, part.table.name, part.number, part.of] for part in task]
        taken = writing.execute(
            sql.SQL(
                "INSERT INTO {} (table_schema, table_name, part, parts, snapshot, rows, bytes) "
                "SELECT s, n, p, o, %s, 0, 0 "
                "FROM unnest(%s::text[], %s::text[], %s::int[], %s::int[]) AS t(s, n, p, o) "
                "ON CONFLICT DO NOTHING RETURNING table_schema, table_name"
            ).format(statements.LEDGER),
            (self._identity, *map(list, zip(*rows, strict=True))),
        ).fetchall()
        entered = set(taken)
        return [part for part in task if (part.table.schema, part.table.name) in entered]

    def _begin_reading(self, reading: psycopg.Connection[Any], parts: list[Part]) -> None:
        reading.execute("BEGIN")
        try:
            reading.execute(
                sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self._snapshot))
            )
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            raise SnapshotGoneError(str(error)) from error
        if parts[0].whole:
            return
        # The lock is what COPY would take; under it the pages stay where they are.
        table = sql.Identifier(parts[0].table.schema, parts[0].table.name)
        reading.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE").format(table))
        found = reading.execute(
            "SELECT pg_relation_filenode(%s::regclass)::bigint", (table.as_string(reading),)
        ).fetchone()
        if found != (parts[0].table.filenode,):
            raise RewrittenError(qualified_name(parts[0].table.schema, parts[0].table.name))

    def _rows(
        self, reading: psycopg.Connection[Any], writing: psycopg.Connection[Any], part: Part
    ) -> tuple[int, int]:
        plain = wire.usable(reading.pgconn) and wire.usable(writing.pgconn)
        copy = wire.copy if plain else through_libpq.copy
        return copy(
            reading.pgconn,
            writing.pgconn,
            statements.read(part).as_bytes(reading),
            statements.write(part).as_bytes(writing),
            self._passed,
        )

    def _settle(
        self, writing: psycopg.Connection[Any], parts: list[Part], sizes: list[tuple[int, int]]
    ) -> None:
        rows = [
            (part.table.schema, part.table.name, part.number, *size)
            for part, size in zip(parts, sizes, strict=True)
        ]
        writing.execute(
            sql.SQL(
                "UPDATE {} AS l SET rows = t.r, bytes = t.b, at = clock_timestamp() "
                "FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::bigint[]) "
                "AS t(s, n, p, r, b) "
                "WHERE l.table_schema = t.s AND l.table_name = t.n AND l.part = t.p"
            ).format(statements.LEDGER),
            tuple(map(list, zip(*rows, strict=True))),
        )


def _built(writing: psycopg.Connection[Any], parts: list[Part]) -> set[str]:
    """What an earlier copy of these tables has built: it stays when rows are copied anew."""
    keys = [key for part in parts if part.build is not None for key in part.build.keys]
    return restoring.restored(writing, keys) if keys else set()


def _build(writing: psycopg.Connection[Any], build: Build) -> None:
    try:
        writing.execute(build.statements)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise BuildError(restoring.message(error)) from error


def described(part: Part) -> str:
    """Table and part, for people."""
    table = qualified_name(part.table.schema, part.table.name)
    return table if part.whole else f"{table}, part {part.number} of {part.of}"


def _make_ready(writing: psycopg.Connection[Any], parts: list[Part]) -> None:
    """Truncate what is to be written frozen; that it is empty is looked at first."""
    tables = {
        qualified_name(part.table.schema, part.table.name): sql.Identifier(
            part.table.schema, part.table.name
        )
        for part in parts
        if part.frozen
    }
    if not tables:
        return
    filled = writing.execute(
        sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM ONLY {})").format(sql.Literal(name), table)
            for name, table in tables.items()
        )
    ).fetchall()
    if filled:
        raise UnexpectedRowsError(", ".join(name for (name,) in filled))
    names = sql.SQL(", ONLY ").join(tables.values())
    writing.execute(sql.SQL("TRUNCATE ONLY {}").format(names))
