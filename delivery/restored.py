"""Looks at a restored database beside the one that serves: whether all of it is there, and read.

The one that serves has gone on since its backup, so rows are not compared one by one. Every value
of the copy is read, which no server can do of a page that is broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from database_moves import names

if TYPE_CHECKING:
    from database_moves.database import Database

    Connection = psycopg.Connection[tuple[Any, ...]]

_RELATIONS = """
SELECT n.nspname, c.relname, c.relkind::text,
       coalesce(array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
                          ORDER BY a.attname) FILTER (WHERE a.attname IS NOT NULL), '{}')
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'i', 'I', 'f') AND c.relpersistence = 'p'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
   AND n.nspname <> %(own)s
 GROUP BY n.nspname, c.relname, c.relkind
"""
_BROKEN = """
SELECT format('the index %I.%I is not valid', n.nspname, c.relname)
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE NOT i.indisvalid
UNION ALL
SELECT format('the constraint %I of %s is not validated', conname, conrelid::regclass)
  FROM pg_constraint WHERE NOT convalidated
"""
SHOWN = 20
"""Faults of one database that are told one by one."""

_Relation = tuple[str, str]
_Relations = dict[_Relation, tuple[str, tuple[str, ...]]]
"""Each relation's kind and columns."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen of one restored database."""

    tables: int
    rows: int
    faults: tuple[str, ...]


def look(live: Database, copy: Database) -> Looked:
    """Compare the relations of both, and read all that the copy has.

    Raises:
        psycopg.OperationalError: one of them does not answer.
    """
    faults: list[str] = []
    only = {"default_transaction_read_only": "on"}
    with (
        live.session("restore test", settings=only) as serving,
        copy.session("restore test") as restored,
    ):
        wanted, found = _relations(serving), _relations(restored)
        faults += _missing(wanted, found)
        known = _broken(serving)
        faults += [each for each in _broken(restored) if each not in known]
        tables = sorted(name for name, (kind, _) in found.items() if kind == "r")
        rows = 0
        for name in tables:
            try:
                count = _read(restored, name)
            except psycopg.errors.Error as error:
                said = (str(error).splitlines() or [type(error).__name__])[0]
                faults.append(f"{'.'.join(name)} can't be read: {said}")
                continue
            rows += count
            if count == 0 and name in wanted and _has_rows(serving, name):
                faults.append(f"{'.'.join(name)} is empty in the copy, and has rows")
    more = len(faults) - SHOWN
    shown = [*faults[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
    return Looked(len(tables), rows, tuple(shown))


def _missing(wanted: _Relations, found: _Relations) -> list[str]:
    return [
        f"{'.'.join(name)} is {'built in another way' if name in found else 'not'} in the copy"
        for name in sorted(wanted)
        if found.get(name) != wanted[name]
    ]


def _relations(session: Connection) -> _Relations:
    return {
        (schema, name): (kind, tuple(columns))
        for schema, name, kind, columns in session.execute(
            _RELATIONS.encode(), {"own": names.SCHEMA}
        )
    }


def _broken(session: Connection) -> list[str]:
    return [row[0] for row in session.execute(_BROKEN.encode())]


def _read(session: Connection, table: _Relation) -> int:
    """Read every value of a table, also those that are kept apart; how many rows it has."""
    query = sql.SQL("SELECT count(*), count(md5(t::text)) FROM {} AS t").format(
        sql.Identifier(*table)
    )
    row = session.execute(query.as_bytes()).fetchone()
    assert row is not None
    return int(row[0])


def _has_rows(session: Connection, table: _Relation) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(*table))
    row = session.execute(query.as_bytes()).fetchone()
    return row is not None and bool(row[0])
