"""The SQL of a copy: what is read on the source, how it is written on the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves import names
from database_moves.copying.parts import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from database_moves.copying.parts import Part
    from database_moves.inventory import Table

LEDGER = sql.Identifier(names.SCHEMA, "part")

# Sizes are read after the snapshot was taken: a table without pages now holds no row of it, or
# was truncated since, and then the stream brings the TRUNCATE.
_SIZES = """
SELECT oid::bigint, coalesce(pg_relation_size(oid), 0) / current_setting('block_size')::bigint,
       coalesce(pg_table_size(oid), 0), coalesce(pg_relation_filenode(oid), 0)::bigint
  FROM unnest(%s::oid[]) AS oid
"""

# A type travels in binary if it and all it is made of have a binary form that means the same on
# another server. The reg types do not: their binary form is the number of an object. That of
# composites and of arrays of one's own types holds the numbers of types; and an empty tsquery is
# refused in the form in which it is sent (PostgreSQL 18.4).
_TEXT_ONLY = """
WITH RECURSIVE made_of(type, of) AS (
    SELECT t, t FROM unnest(%s::oid[]) AS t
    UNION
    SELECT m.type, c.of
      FROM made_of AS m JOIN pg_type AS t ON t.oid = m.of
     CROSS JOIN LATERAL (
        SELECT t.typelem WHERE t.typelem <> 0
        UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
        UNION ALL SELECT r.rngsubtype FROM pg_range AS r
                   WHERE r.rngtypid = t.oid OR r.rngmultitypid = t.oid
        UNION ALL SELECT a.atttypid FROM pg_attribute AS a
                   WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid
                     AND a.attnum > 0 AND NOT a.attisdropped) AS c(of))
SELECT DISTINCT m.type::bigint
  FROM made_of AS m LEFT JOIN pg_type AS t ON t.oid = m.of
 WHERE t.oid IS NULL OR t.typsend = 0 OR t.typreceive = 0
    OR t.typtype = 'c' OR (t.typelem >= 16384)
    OR ((t.typname ~ '^reg' OR t.typname = 'tsquery')
        AND t.typnamespace = 'pg_catalog'::regnamespace)
"""


def measure(connection: psycopg.Connection[Any], tables: Sequence[Table]) -> tuple[Measured, ...]:
    """The tables' sizes and formats as they are on the source now."""
    types = sorted({column.type_oid for table in tables for column in table.stored_columns})
    text_only = {oid for (oid,) in connection.execute(_TEXT_ONLY, (types,))}
    sizes = {
        oid: size for oid, *size in connection.execute(_SIZES, ([table.oid for table in tables],))
    }
    return tuple(
        Measured(
            schema=table.schema,
            name=table.name,
            columns=tuple(column.name for column in table.stored_columns),
            binary=not any(column.type_oid in text_only for column in table.stored_columns),
            pages=sizes[table.oid][0],
            bytes=sizes[table.oid][1],
            filenode=sizes[table.oid][2],
        )
        for table in tables
    )


def read(part: Part) -> sql.Composed:
    """COPY of a part's rows to the client."""
    table = sql.Identifier(part.table.schema, part.table.name)
    if part.whole:
        what = sql.SQL("{}{}").format(table, _columns(part))
    else:
        conditions = [sql.SQL("ctid >= {}::tid").format(f"({part.first},0)")]
        if part.end is not None:
            conditions.append(sql.SQL("ctid < {}::tid").format(f"({part.end},0)"))
        what = sql.SQL("(SELECT {} FROM ONLY {} WHERE {})").format(
            sql.SQL(", ").join(map(sql.Identifier, part.table.columns)),
            table,
            sql.SQL(" AND ").join(conditions),
        )
    return sql.SQL("COPY {} TO STDOUT (FORMAT {})").format(what, _format(part))


def write(part: Part) -> sql.Composed:
    """COPY of the same rows from the client.

    Rows of a table that the same transaction truncated are frozen at once, which spares their
    hint bits and a later VACUUM of it all.
    """
    return sql.SQL("COPY {}{} FROM STDIN (FORMAT {}{})").format(
        sql.Identifier(part.table.schema, part.table.name),
        _columns(part),
        _format(part),
        sql.SQL(", FREEZE") if part.frozen else sql.SQL(""),
    )


def _columns(part: Part) -> sql.Composable:
    if not part.table.columns:
        return sql.SQL("")
    names_ = sql.SQL(", ").join(map(sql.Identifier, part.table.columns))
    return sql.SQL(" ({})").format(names_)


def _format(part: Part) -> sql.SQL:
    return sql.SQL("binary") if part.table.binary else sql.SQL("text")
