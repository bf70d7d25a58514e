"""Carries the rows of unlogged tables, which no log holds and no stream brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves import inventory
from database_moves.carry.cost import NONE, Cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from database_moves.inventory import Table

    Connection = psycopg.Connection[tuple[Any, ...]]

_SECONDS_EACH = 0.005
_BYTES_A_SECOND = 18_000_000
"""Of narrow rows with a key, which are the slowest: measured 2026-11, PostgreSQL 16 and 18."""

_TRIGGERS = """
SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text
  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN unnest(%s::text[], %s::text[]) AS w(schema, name)
    ON w.schema = n.nspname AND w.name = c.relname
 WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
"""

_MODES = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


def tables(connection: Connection) -> list[Table]:
    """The unlogged tables of a database."""
    found = inventory.tables(connection)
    return [table for table in found if table.persistence == "unlogged"]


def estimate(origin: Connection) -> Cost:
    """What carrying their rows costs."""
    found = tables(origin)
    size = sum(table.total_bytes for table in found)
    if not found:
        return NONE
    return Cost(len(found) * _SECONDS_EACH + size / _BYTES_A_SECOND, size, len(found))


def carry(origin: Connection, end: Connection, found: Sequence[Table] | None = None) -> int:
    """Replace the rows of all unlogged tables of `end` by those of `origin`; bytes carried.

    One transaction on `end`: it has all or what it had. `found` are the tables of `origin` if they
    are known already.
    """
    found = tables(origin) if found is None else found
    if not found:
        return 0
    with end.transaction():
        end.execute(
            sql.SQL("TRUNCATE ONLY {}").format(
                sql.SQL(", ONLY ").join(table.qualified for table in found)
            )
        )
        triggers = end.execute(
            _TRIGGERS, ([table.schema for table in found], [table.name for table in found])
        ).fetchall()
        # COPY fires them, and what they did has been carried already.
        for schema, table, trigger, _ in triggers:
            _switch(end, schema, table, trigger, "DISABLE")
        carried = sum(_copy(origin, end, table) for table in found)
        # Those of deferred keys look once all rows are there; a table with such events pending
        # cannot be altered.
        end.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for schema, table, trigger, mode in triggers:
            _switch(end, schema, table, trigger, _MODES[mode])
    return carried


def _copy(origin: Connection, end: Connection, table: Table) -> int:
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.stored_columns)
    read = sql.SQL("COPY (SELECT {} FROM ONLY {}) TO STDOUT").format(columns, table.qualified)
    write = sql.SQL("COPY {} ({}) FROM STDIN").format(table.qualified, columns)
    if not table.stored_columns:
        read = sql.SQL("COPY (SELECT FROM ONLY {}) TO STDOUT").format(table.qualified)
        write = sql.SQL("COPY {} FROM STDIN").format(table.qualified)
    size = 0
    with (
        origin.cursor() as reader,
        end.cursor() as writer,
        reader.copy(read) as rows,
        writer.copy(write) as copy,
    ):
        for block in rows:
            size += len(block)
            copy.write(block)
    return size


def _switch(connection: Connection, schema: str, table: str, trigger: str, how: str) -> None:
    connection.execute(
        sql.SQL("ALTER TABLE ONLY {} {} TRIGGER {}").format(
            sql.Identifier(schema, table), sql.SQL(how), sql.Identifier(trigger)
        )
    )
