"""The publication of one stream: every table by name, since FOR ALL TABLES needs a superuser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves import names
from database_moves.errors import RefusedError
from database_moves.inventory import qualified_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import psycopg

    from database_moves.inventory import Table

MARKER = (names.SCHEMA, "marker")

_PUBLISHED = """
SELECT n.nspname, c.relname, r.prqual IS NOT NULL OR r.prattrs IS NOT NULL
  FROM pg_publication_rel AS r
  JOIN pg_publication AS p ON p.oid = r.prpubid
  JOIN pg_class AS c ON c.oid = r.prrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE p.pubname = %s
"""

# A deferrable primary key is none to replication; this function knows all of its rules. It opens
# what it is asked about, and fails for an index: OFFSET keeps the planner from asking about all
# relations before it picks those that are meant.
_WITHOUT_IDENTITY = """
SELECT nspname, relname FROM (
    SELECT n.nspname, c.relname, c.oid
      FROM unnest(%s::text[], %s::text[]) AS w(schema, name)
      JOIN pg_namespace AS n ON n.nspname = w.schema
      JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
     WHERE c.relreplident <> 'f' OFFSET 0) AS meant
 WHERE pg_get_replica_identity_index(oid) IS NULL
 ORDER BY 1, 2
"""

_OPTIONS = sql.SQL(
    "(publish = 'insert, update, delete, truncate', publish_via_partition_root = false)"
)


def bring_about(
    connection: psycopg.Connection[tuple[Any, ...]], name: str, tables: Iterable[Table]
) -> None:
    """Make the publication hold just these tables and the marker, whatever it held before.

    Unlogged tables are left out: they have no log to be read from. Raises `RefusedError` naming
    tables without a usable replica identity: publishing one would make its updates fail. Writers
    do not wait behind the lock that each table needs; `psycopg.errors.LockNotAvailable` is raised
    where one is not free within the session's `lock_timeout`.
    """
    wanted = {(table.schema, table.name) for table in tables if table.persistence == "permanent"}
    wanted.add(MARKER)
    _refuse_without_identity(connection, sorted(wanted))
    with connection.transaction():
        _set(connection, name, wanted)


def exists(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> bool:
    """Whether the database has the publication."""
    found = connection.execute("SELECT FROM pg_publication WHERE pubname = %s", (name,))
    return found.fetchone() is not None


def published(
    connection: psycopg.Connection[tuple[Any, ...]], name: str
) -> dict[tuple[str, str], bool]:
    """Schema and name of each published table, and whether only a part of it is published."""
    rows = connection.execute(_PUBLISHED, (name,))
    return {(schema, table): partly for schema, table, partly in rows}


def drop(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    """Drop the publication if there is one."""
    connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(name)))


def _set(
    connection: psycopg.Connection[tuple[Any, ...]], name: str, wanted: set[tuple[str, str]]
) -> None:
    publication = sql.Identifier(name)
    if not exists(connection, name):
        connection.execute(
            sql.SQL("CREATE PUBLICATION {} FOR TABLE {} WITH {}").format(
                publication, _listed(wanted), _OPTIONS
            )
        )
        return
    connection.execute(sql.SQL("ALTER PUBLICATION {} SET {}").format(publication, _OPTIONS))
    found = published(connection, name)
    # Only what differs is touched: each table named is locked and its cached plans are lost.
    wrong = {table for table, partly in found.items() if partly or table not in wanted}
    missing = wanted - (found.keys() - wrong)
    for tables, statement in ((wrong, "DROP"), (missing, "ADD")):
        if tables:
            connection.execute(
                sql.SQL("ALTER PUBLICATION {} {} TABLE {}").format(
                    publication, sql.SQL(statement), _listed(tables)
                )
            )


def _listed(tables: set[tuple[str, str]]) -> sql.Composable:
    # ONLY: a table that others inherit from would bring them along.
    return sql.SQL(", ").join(
        sql.SQL("ONLY {}").format(sql.Identifier(*table)) for table in sorted(tables)
    )


def _refuse_without_identity(
    connection: psycopg.Connection[tuple[Any, ...]], wanted: Sequence[tuple[str, str]]
) -> None:
    schemas, tables = [schema for schema, _ in wanted], [table for _, table in wanted]
    found = connection.execute(_WITHOUT_IDENTITY, (schemas, tables)).fetchall()
    if found:
        listed = ", ".join(qualified_name(*table) for table in found)
        raise RefusedError(
            f"without a replica identity, updates would fail once published: {listed}",
            remedy="give each a primary key, or ALTER TABLE ... REPLICA IDENTITY FULL",
        )
