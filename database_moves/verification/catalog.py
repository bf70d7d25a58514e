"""What both sides say of the tables to compare: columns, types, and whether keys form ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from database_moves.inventory import qualified_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from database_moves.inventory import Table
    from database_moves.verification.session import Pair, Session

# Types whose order is the same on every server, by their base type's oid. Their casts to and from
# text are exact.
_ORDERED = {
    16: "bool",
    17: "bytea",
    20: "int8",
    21: "int2",
    23: "int4",
    25: "text",
    26: "oid",
    1043: "varchar",
    1082: "date",
    1083: "time",
    1114: "timestamp",
    1184: "timestamptz",
    1700: "numeric",
    2950: "uuid",
}

# A domain's base type decides, whatever the depth. A column's collation is written as provider
# and locale, and is null where nothing may be concluded from it: where it is nondeterministic, or
# where its version is another one than the server has now, so that indexes may be out of order.
_COLUMNS = """
WITH RECURSIVE wanted AS (
    SELECT w.n, c.oid AS rel, c.relkind
      FROM unnest(%(schemas)s::text[], %(names)s::text[]) WITH ORDINALITY AS w(schema, name, n)
      JOIN pg_namespace AS s ON s.nspname = w.schema
      JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relname = w.name
     WHERE c.relkind = 'r'
), base(type, over) AS (
    SELECT DISTINCT a.atttypid, a.atttypid
      FROM wanted JOIN pg_attribute AS a ON a.attrelid = rel AND a.attnum > 0 AND NOT attisdropped
    UNION
    SELECT b.type, t.typbasetype FROM base AS b JOIN pg_type AS t ON t.oid = b.over
     WHERE t.typtype = 'd'
), locale AS (
    SELECT d.datlocprovider::text || ' ' || COALESCE(
               CASE WHEN d.datlocprovider = 'c' THEN d.datcollate
                    ELSE to_jsonb(d) ->> 'datlocale' END,
               to_jsonb(d) ->> 'daticulocale') AS name
      FROM pg_database AS d
     WHERE d.datname = current_database()
       AND d.datcollversion IS NOT DISTINCT FROM pg_database_collation_actual_version(d.oid)
)
SELECT w.n, a.attname, t.oid::bigint, t.typlen, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       CASE WHEN a.attcollation = 0 THEN ''
            WHEN l.collname = 'default' THEN (SELECT name FROM locale)
            WHEN l.collisdeterministic
                 AND l.collversion IS NOT DISTINCT FROM pg_collation_actual_version(l.oid)
            THEN l.collprovider::text || ' ' || COALESCE(l.collcollate,
                     to_jsonb(l) ->> 'colllocale', to_jsonb(l) ->> 'colliculocale') END
  FROM wanted AS w
  LEFT JOIN pg_attribute AS a ON a.attrelid = w.rel AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN base AS b ON b.type = a.atttypid
       AND NOT EXISTS (SELECT FROM pg_type AS u WHERE u.oid = b.over AND u.typtype = 'd')
  LEFT JOIN pg_type AS t ON t.oid = b.over
  LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
 ORDER BY w.n, a.attnum
"""

# Of each whole B-tree its leading columns, up to the first that is an expression, descending, or
# under another collation or operator class than the column's own.
_INDEXES = """
SELECT w.n, array_agg(a.attname::text ORDER BY k.at)
  FROM unnest(%(schemas)s::text[], %(names)s::text[]) WITH ORDINALITY AS w(schema, name, n)
  JOIN pg_namespace AS s ON s.nspname = w.schema
  JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relname = w.name
  JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL
  JOIN pg_class AS x ON x.oid = i.indexrelid
  JOIN pg_am AS m ON m.oid = x.relam AND m.amname = 'btree'
 CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indoption::int2[], i.indcollation::oid[],
                           i.indclass::oid[])
       WITH ORDINALITY AS k(attnum, flags, collated, class, at)
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
  JOIN pg_opclass AS o ON o.oid = k.class
 WHERE k.at <= i.indnkeyatts AND k.flags = 0 AND k.collated = a.attcollation AND o.opcdefault
 GROUP BY w.n, i.indexrelid
HAVING array_agg(k.at ORDER BY k.at) = array(SELECT generate_series(1, count(*)))
"""

_SIZES = """
SELECT w.n, pg_table_size(c.oid), c.reltuples::float8
  FROM unnest(%(schemas)s::text[], %(names)s::text[]) WITH ORDINALITY AS w(schema, name, n)
  JOIN pg_namespace AS s ON s.nspname = w.schema
  JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relname = w.name
"""

_ROW_BYTES = 100.0
"""A row's size where nothing was ever counted."""


@dataclass(frozen=True)
class ComparedColumn:
    """A column that both sides have."""

    name: str
    base: int
    """The oid of the type below any domains; built-in types have the same one everywhere."""
    fixed_size: bool
    serving_type: str
    follower_type: str


@dataclass(frozen=True)
class Layout:
    """A table as it can be compared."""

    table: Table
    columns: tuple[ComparedColumn, ...]
    key: tuple[ComparedColumn, ...]
    """What identifies a row on both sides; empty where nothing does."""
    ordered: tuple[tuple[str, str], ...]
    """The key's leading columns, with base types, by which both sides can read ranges."""
    bytes: int
    """The larger side's size, with TOAST."""
    rows: float
    """The serving side's estimate."""

    @property
    def row_bytes(self) -> float:
        """An average row's size, with TOAST."""
        return self.bytes / self.rows if self.rows > 0 else _ROW_BYTES


@dataclass(frozen=True)
class Misfit:
    """A table that can't be compared, and why."""

    table: Table
    reason: str


@dataclass(frozen=True)
class _Seen:
    name: str
    base: int
    size: int
    type: str
    not_null: bool
    collation: str | None


@dataclass
class _Side:
    columns: dict[int, dict[str, _Seen]]
    indexes: dict[int, list[list[str]]]
    sizes: dict[int, tuple[int, float]]


def layouts(pair: Pair, tables: Sequence[Table]) -> tuple[list[Layout], list[Misfit]]:
    """How each table can be compared; those that can't, with the reason."""
    names = {"schemas": [t.schema for t in tables], "names": [t.name for t in tables]}

    def read(session: Session) -> _Side:
        side = _Side({}, {}, {})
        for n, *column in session.rows(_COLUMNS, names):
            seen = side.columns.setdefault(n, {})
            if column[0] is not None:
                seen[column[0]] = _Seen(*column)
        for n, leading in session.rows(_INDEXES, names):
            side.indexes.setdefault(n, []).append(leading)
        side.sizes = {n: (size, rows) for n, size, rows in session.rows(_SIZES, names)}
        return side

    serving, follower = pair.both(read)
    found: list[Layout] = []
    misfits: list[Misfit] = []
    for n, table in enumerate(tables, 1):
        reason = _misfit(serving.columns.get(n), follower.columns.get(n))
        if reason is None:
            found.append(_layout(table, n, serving, follower))
        else:
            misfits.append(Misfit(table, reason))
    return found, misfits


def _misfit(serving: dict[str, _Seen] | None, follower: dict[str, _Seen] | None) -> str | None:
    if serving is None:
        return "the table is not on the serving side"
    if follower is None:
        return "the table is not on the follower"
    faults = [
        f"column {qualified_name_of(name)} is only on the {side}"
        for side, ours, theirs in (
            ("serving side", serving, follower),
            ("follower", follower, serving),
        )
        for name in ours
        if name not in theirs
    ]
    faults += [
        f"column {qualified_name_of(name)} is {serving[name].type} on the serving side and "
        f"{follower[name].type} on the follower"
        for name in serving.keys() & follower.keys()
        if _kind(serving[name]) != _kind(follower[name])
    ]
    return "; ".join(sorted(faults)) or None


def qualified_name_of(column: str) -> str:
    """A column's name for people."""
    return qualified_name("x", column)[2:]


def _kind(seen: _Seen) -> object:
    # User-defined types have other oids on another server, and are written by their own output.
    return seen.base if seen.base < 16384 else "user-defined"


def _layout(table: Table, n: int, serving: _Side, follower: _Side) -> Layout:
    ours, theirs = serving.columns[n], follower.columns[n]
    columns = {
        name: ComparedColumn(name, seen.base, seen.size != -1, seen.type, theirs[name].type)
        for name, seen in ours.items()
    }
    key = tuple(columns[name] for name in table.key) if set(table.key) <= ours.keys() else ()
    size, rows = serving.sizes[n]
    other_size, other_rows = follower.sizes[n]
    rows = max(rows, other_rows)
    size = max(size, other_size)
    return Layout(
        table=table,
        columns=tuple(columns.values()),
        key=key,
        ordered=_ordered(table, n, (serving, follower)),
        bytes=size,
        rows=rows if rows > 0 else size / _ROW_BYTES,
    )


def _ordered(table: Table, n: int, sides: Iterable[_Side]) -> tuple[tuple[str, str], ...]:
    """The longest prefix of the key that is ordered and indexed alike on both sides."""
    prefix: list[tuple[str, str]] = []
    for name in table.key:
        one, other = (side.columns[n].get(name) for side in sides)
        if one is None or other is None or one.base not in _ORDERED:
            break
        alike = one.collation is not None and one.collation == other.collation
        if not (alike and one.not_null and other.not_null):
            break
        names = [*(column for column, _ in prefix), name]
        if not all(
            any(index[: len(names)] == names for index in side.indexes.get(n, ())) for side in sides
        ):
            break
        prefix.append((name, _ORDERED[one.base]))
    return tuple(prefix)
