"""Runs entries of the archive on the target, each once whatever is killed in between.

What was run is kept in the target in the transaction that ran it, by what it says and not by its
number: another archive of the same schema goes on where the former ended.
"""

from __future__ import annotations

import contextlib
import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from database_moves import control, crash_points, names
from database_moves.errors import MoveError, RefusedError
from database_moves.schema import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from database_moves.database import Database
    from database_moves.schema.archive import Archive
    from database_moves.schema.contents import Entry

    Connection = psycopg.Connection[tuple[Any, ...]]

PURPOSE = "schema"
SETTINGS = {
    # Where no application is let in; builds may wait for each other as long as they take.
    "lock_timeout": "0",
    "search_path": "",
    "standard_conforming_strings": "on",
    "client_min_messages": "warning",
    "default_table_access_method": "heap",
    "default_tablespace": "",
}

# Each object takes some locks, of which a server has some thousands by default.
_IN_ONE_TRANSACTION = 1500
_AT_ONCE = 250
_SHOWN = 20

_NOTHING: Mapping[str, str] = MappingProxyType({})

_RESTORED = sql.Identifier(names.SCHEMA, "restored")


@contextlib.contextmanager
def session(target: Database, settings: Mapping[str, str] = SETTINGS) -> Iterator[Connection]:
    """A session to run entries in, once what a killed mover left running on the target has ended.

    The record of what was run is there.
    """
    with target.session(PURPOSE, settings=settings) as connection:
        # A statement goes on after its client has died, and would come between.
        connection.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND usename = session_user "
            "AND pid <> pg_backend_pid() AND application_name = %s",
            (f"{names.APPLICATION} {PURPOSE}",),
        )
        control.ensure(connection)
        ensure(connection)
        yield connection


def ensure(connection: Connection) -> None:
    """Make the record of what was run, where there is none."""
    connection.execute(
        sql.SQL("CREATE TABLE IF NOT EXISTS {} (entry text PRIMARY KEY)").format(_RESTORED)
    )


def restored(connection: Connection, keys: Sequence[str] | None = None) -> set[str]:
    """The keys of what was run, of all or of some."""
    query = sql.SQL("SELECT entry FROM {} WHERE %s::text[] IS NULL OR entry = ANY(%s)")
    given = None if keys is None else list(keys)
    return {key for (key,) in connection.execute(query.format(_RESTORED), (given, given))}


def record(connection: Connection, keys: Iterable[str]) -> None:
    """Keep that something was run, in the transaction that ran it."""
    connection.execute(
        sql.SQL("INSERT INTO {} SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING").format(
            _RESTORED
        ),
        (list(keys),),
    )


def forget(connection: Connection) -> None:
    """Forget what was run, because it was removed."""
    if connection.execute("SELECT to_regclass(%s)", (f"{names.SCHEMA}.restored",)).fetchone() != (
        None,
    ):
        connection.execute(sql.SQL("DELETE FROM {}").format(_RESTORED))


def run(
    connection: Connection,
    archive: Archive,
    entries: Sequence[Entry],
    instead: Mapping[str, str] = _NOTHING,
) -> int:
    """Run those that were not run yet, in order, in one transaction if they are few; how many.

    `instead` has other statements for some, by the entry's key. Raises `RefusedError`
    naming all that the target does not allow.
    """
    done = restored(connection)
    left = [entry for entry in entries if entry.key not in done]
    left = [entry for entry in left if statements.is_run(entry, archive)]
    batches = list(_batches(left, _AT_ONCE))
    together = [batches] if len(left) <= _IN_ONE_TRANSACTION else [[batch] for batch in batches]
    for several in together:
        with connection.transaction():
            for batch in several:
                run_batch(connection, archive, batch, instead)
        crash_points.reached("schema.batch-done")
    return len(left)


def run_batch(
    connection: Connection,
    archive: Archive,
    batch: Sequence[Entry],
    instead: Mapping[str, str] = _NOTHING,
) -> None:
    """Run some entries within the open transaction, and record them."""
    texts = [instead.get(entry.key) or statements.text(entry, archive) for entry in batch]
    text = "".join(texts)
    try:
        with connection.transaction(), lent_rights(connection, archive, batch):
            connection.execute(text.encode("utf-8", "surrogateescape"))
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise _explained(connection, archive, batch, texts, error) from None
    record(connection, (entry.key for entry in batch))


class lent_rights:  # noqa: N801  # a context manager, used as contextlib's are
    """Lets future owners create in the schemas of what they get, as only a superuser need not.

    An owner may have lost that right on the source since.
    """

    def __init__(self, connection: Connection, archive: Archive, entries: Sequence[Entry]) -> None:
        self._connection = connection
        self._pairs = sorted(
            {
                (entry.schema, entry.owner)
                for entry in entries
                if entry.schema and statements.owner_statement(entry, archive)
            }
        )
        self._lent: list[tuple[str, str]] = []

    def __enter__(self) -> None:
        schemas, owners = [p[0] for p in self._pairs], [p[1] for p in self._pairs]
        self._lent = self._connection.execute(
            "SELECT w.schema, w.owner FROM unnest(%s::text[], %s::text[]) AS w(schema, owner) "
            "JOIN pg_namespace AS n ON n.nspname = w.schema "
            "JOIN pg_roles AS r ON r.rolname = w.owner "
            "WHERE NOT has_schema_privilege(r.oid, n.oid, 'CREATE')",
            (schemas, owners),
        ).fetchall()
        self._each("GRANT CREATE ON SCHEMA {} TO {}")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._each("REVOKE CREATE ON SCHEMA {} FROM {}")

    def _each(self, statement: str) -> None:
        for schema, owner in self._lent:
            self._connection.execute(
                sql.SQL(statement).format(sql.Identifier(schema), sql.Identifier(owner))
            )


def _explained(
    connection: Connection,
    archive: Archive,
    batch: Sequence[Entry],
    texts: Sequence[str],
    error: psycopg.Error,
) -> MoveError:
    """Run the batch again, entry by entry, to name all that fail; nothing of it stays."""
    failed: list[tuple[Entry, psycopg.Error]] = []
    with connection.transaction(force_rollback=True), lent_rights(connection, archive, batch):
        for entry, text in zip(batch, texts, strict=True):
            try:
                with connection.transaction():
                    connection.execute(text.encode("utf-8", "surrogateescape"))
            except psycopg.OperationalError:
                raise
            except psycopg.Error as found:
                failed.append((entry, found))
    if not failed:
        return MoveError(f"the schema could not be restored: {message(error)}")
    # What lacks a right is the cause; what then misses it only follows.
    denied = [
        (entry, found)
        for entry, found in failed
        if isinstance(found, psycopg.errors.InsufficientPrivilege)
    ]
    shown = (denied or failed)[:_SHOWN]
    listed = "; ".join(f"{entry}: {message(found)}" for entry, found in shown)
    more = len(denied or failed) - len(shown)
    return RefusedError(
        f"the target does not take {len(denied or failed)} of the source's objects: {listed}"
        + (f"; and {more} more" if more else ""),
        remedy="have a superuser of the target create them or grant the mover's role what it "
        "lacks, or drop them on the source"
        if denied
        else "change or drop them on the source",
    )


def message(error: psycopg.Error) -> str:
    """The first line of what the server says; details may hold rows' values."""
    return (error.diag.message_primary or str(error).splitlines()[0]).strip()


def _batches(entries: Sequence[Entry], size: int) -> Iterator[list[Entry]]:
    # Schemas with their grants come first: whether an owner may create in one is asked after that.
    first = list(
        itertools.takewhile(
            lambda entry: entry.kind in ("SCHEMA", "ACL", "COMMENT", "EXTENSION"), entries
        )
    )
    if first:
        yield first
    for start in range(len(first), len(entries), size):
        yield list(entries[start : start + size])
