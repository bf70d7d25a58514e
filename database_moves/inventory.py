"""What a database holds that a move must bring along: tables, their columns and their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from psycopg import sql

from database_moves import names

if TYPE_CHECKING:
    import psycopg

Persistence = Literal["permanent", "unlogged"]
Identity = Literal["default", "nothing", "full", "index"]

# Extensions bring their own objects to the target, and temporary ones end with their session.
_MOVED = """
       c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND n.nspname <> %(own)s
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                   AND d.objid = c.oid AND d.deptype = 'e')
"""

_TABLES = f"""
SELECT c.oid::bigint, n.nspname, c.relname, pg_get_userbyid(c.relowner),
       CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'permanent' END,
       CASE c.relreplident WHEN 'd' THEN 'default' WHEN 'n' THEN 'nothing'
                           WHEN 'f' THEN 'full' ELSE 'index' END,
       c.relispartition,
       pg_relation_size(c.oid),
       pg_table_size(c.oid),
       c.reltuples::float8,
       (pg_relation_size(c.oid) / current_setting('block_size')::bigint)
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE {_MOVED}
 ORDER BY pg_table_size(c.oid) DESC, c.oid
"""  # noqa: S608  # a constant

_PAGES = f"""
SELECT n.nspname, c.relname, pg_relation_size(c.oid) > 0
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE {_MOVED}
"""  # noqa: S608  # a constant

_COLUMNS = """
SELECT a.attrelid::bigint, a.attname, a.attgenerated <> '', a.attidentity <> '',
       a.atttypid::bigint, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       t.typtype::text, t.typsend <> 0 AND t.typreceive <> 0,
       a.attcollation <> 0
  FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
 WHERE a.attrelid = ANY(%(tables)s) AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum
"""

# The key that replication uses: the chosen index, else the primary key; a deferrable one is none.
_KEYS = """
SELECT i.indrelid::bigint,
       array_agg(a.attname::text ORDER BY k.ordinality)
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indrelid
 CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, ordinality)
  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
 WHERE i.indrelid = ANY(%(tables)s) AND i.indisvalid AND i.indimmediate
   AND k.ordinality <= i.indnkeyatts
   AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
 GROUP BY i.indrelid, i.indexrelid
"""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    generated: bool
    identity: bool
    type_oid: int
    type: str
    """The type as SQL writes it, such as `numeric(10,2)`."""
    not_null: bool
    kind: str
    """`pg_type.typtype`: b base, c composite, d domain, e enum, r range, m multirange."""
    binary: bool
    """Whether the type itself has a binary form."""
    collatable: bool


@dataclass(frozen=True)
class Table:
    """A table that holds rows: an ordinary one or a leaf partition."""

    oid: int
    """In the database it was read from; the other database has another."""
    schema: str
    name: str
    owner: str
    persistence: Persistence
    replica_identity: Identity
    partition: bool
    heap_bytes: int
    """Without TOAST."""
    total_bytes: int
    """With TOAST, without indexes."""
    rows: float
    """An estimate; -1 where nothing was ever counted."""
    pages: int
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The columns that replication finds a row by: the primary key or the chosen index; empty
    where there is neither."""

    @property
    def qualified(self) -> sql.Identifier:
        """Schema and name, to compose statements with."""
        return sql.Identifier(self.schema, self.name)

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """All but the generated columns, which each side computes."""
        return tuple(column for column in self.columns if not column.generated)

    def __str__(self) -> str:
        return qualified_name(self.schema, self.name)


def qualified_name(schema: str, name: str) -> str:
    """A name for people: quoted only where SQL would need it."""
    return ".".join(
        part
        if part.isascii() and part.isidentifier() and part == part.lower()
        else '"' + part.replace('"', '""') + '"'
        for part in (schema, name)
    )


def with_pages(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[tuple[str, str], bool]:
    """Schema and name of every table, and whether it got a row since it was made or truncated."""
    found = connection.execute(_PAGES, {"own": names.SCHEMA})
    return {(schema, name): pages for schema, name, pages in found}


def tables(connection: psycopg.Connection[tuple[Any, ...]]) -> tuple[Table, ...]:
    """Every table with rows of its own, largest first; partitioned parents have none."""
    rows = connection.execute(_TABLES, {"own": names.SCHEMA}).fetchall()
    oids = {"tables": [row[0] for row in rows]}
    columns: dict[int, list[Column]] = {}
    for oid, *column in connection.execute(_COLUMNS, oids):
        columns.setdefault(oid, []).append(Column(*column))
    keys = {oid: tuple(key) for oid, key in connection.execute(_KEYS, oids)}
    return tuple(
        Table(*row, columns=tuple(columns.get(row[0], ())), key=keys.get(row[0], ()))  # type: ignore[misc]
        for row in rows
    )
