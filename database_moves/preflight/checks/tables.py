"""Checks that every table's changes can be sent and found again on the other side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from database_moves import names
from database_moves.preflight.equality import without_equality
from database_moves.preflight.registry import check
from database_moves.preflight.situation import statement
from database_moves.preflight.verdicts import Finding, counted, named, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Server, Situation

MANY_ROWS = 10_000
"""From here on it shows that every change to a table without an index reads all of it."""

# A deferrable key identifies no row for replication, and neither does a broken index.
_IDENTITIES = """
SELECT format('%%I.%%I', n.nspname, c.relname), n.nspname::text, c.relname::text,
       c.relreplident::text,
       EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisvalid
               AND i.indimmediate AND CASE c.relreplident WHEN 'i' THEN i.indisreplident
                                      ELSE i.indisprimary END),
       (SELECT x.relname::text FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
         WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate AND i.indisunique
           AND i.indpred IS NULL AND i.indexprs IS NULL
           AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) AS k(attnum)
                           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
                           WHERE NOT a.attnotnull OR a.attgenerated <> '')
         ORDER BY i.indexrelid LIMIT 1),
       EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
                JOIN pg_am AS m ON m.oid = x.relam
               WHERE i.indrelid = c.oid AND i.indisvalid AND m.amname IN ('btree', 'hash')
                 AND i.indpred IS NULL AND i.indkey[0] <> 0),
       c.reltuples::float8,
       EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0
               AND NOT a.attisdropped AND a.attgenerated <> ''),
       (SELECT coalesce(array_agg(DISTINCT a.atttypid::bigint), '{}') FROM pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attgenerated = '')
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND n.nspname <> %(own)s
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                   AND d.objid = c.oid AND d.deptype = 'e')
   AND NOT (c.relreplident = 'd' AND EXISTS (
            SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary
            AND i.indisvalid AND i.indimmediate))
 ORDER BY 1
"""


class Unkeyed(NamedTuple):
    """A table whose rows are not found by a primary key alone."""

    described: str
    schema: str
    name: str
    identity: str
    """`pg_class.relreplident`."""
    has_key: bool
    """Whether the identity's index, or a primary key, may tell rows apart."""
    unique: str | None
    """An index that could become the identity."""
    has_index: bool
    rows: float
    generated: bool
    """Whether it has generated columns, which from version 18 on forbid REPLICA IDENTITY FULL."""
    hard: tuple[str, ...]
    """Types of columns that have no equality."""

    @property
    def remedy(self) -> str:
        """A statement that gives the table an identity that works."""
        table = (self.schema, self.name)
        if self.has_key:
            return statement("ALTER TABLE {} REPLICA IDENTITY DEFAULT", table)
        if self.unique is not None:
            return statement("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}", table, self.unique)
        if not (self.hard or self.generated):
            return statement("ALTER TABLE {} REPLICA IDENTITY FULL", table)
        return _new_key(self.schema, self.name)


_GENERATED = """
SELECT format('%%I.%%I', n.nspname, c.relname), n.nspname::text, c.relname::text,
       c.relreplident::text,
       (SELECT x.relname::text FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
         WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate AND i.indisunique
           AND i.indpred IS NULL AND i.indexprs IS NULL
           AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) AS k(attnum)
                           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
                           WHERE NOT a.attnotnull OR a.attgenerated <> '')
         ORDER BY i.indexrelid LIMIT 1),
       EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> %(own)s
   AND EXISTS (
     SELECT FROM pg_attribute AS a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''
        AND (c.relreplident = 'f' OR EXISTS (
             SELECT FROM pg_index AS i WHERE i.indrelid = c.oid
                AND a.attnum = ANY(i.indkey::int2[]) AND c.relreplident <> 'n'
                AND CASE c.relreplident WHEN 'i' THEN i.indisreplident
                                        ELSE i.indisprimary END)))
 ORDER BY 1
"""

_INVALID = """
SELECT format('%%I.%%I', n.nspname, c.relname), n.nspname::text, c.relname::text
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE NOT i.indisvalid AND n.nspname !~ '^pg_' AND n.nspname <> %(own)s
 ORDER BY 1
"""


@check("tables.replica-identity", fine="every table has a replica identity", needs=("source",))
def replica_identity(situation: Situation) -> Iterator[Finding]:
    """As soon as such a table is published, PostgreSQL refuses to update or delete its rows.

    That would stop the applications, not the move.
    """
    lacking = [
        (table.described, table.remedy)
        for table in _identities(situation.source)
        if table.identity != "f" and (table.identity == "n" or not table.has_key)
    ]
    if lacking:
        yield refused(
            f"{counted(len(lacking), 'table')} without a usable replica identity: "
            f"{named([table for table, _ in lacking])}",
            "\n".join(remedy for _, remedy in lacking),
            tuple(table for table, _ in lacking),
        )


@check("tables.equality", fine="rows of tables without a key can be compared", needs=("source",))
def equality(situation: Situation) -> Iterator[Finding]:
    """With REPLICA IDENTITY FULL a row is found by comparing all columns; some types cannot be.

    A primary key is used where there is one, whatever the identity.
    """
    found = [
        (table.described, table.hard, table.remedy)
        for table in _identities(situation.source)
        if table.identity == "f" and table.hard and not table.has_key
    ]
    if found:
        yield refused(
            "rows cannot be found again on the other side in "
            + named([f"{table} ({', '.join(hard)} has no equality)" for table, hard, _ in found]),
            "\n".join(remedy for _, _, remedy in found),
            tuple(table for table, _, _ in found),
        )


@check("tables.generated-keys", fine="no row is told apart by generated columns", needs=("source",))
def generated_keys(situation: Situation) -> Iterator[Finding]:
    """Generated columns are not sent, so no row is found by one.

    From version 18 on a publisher refuses to update such a row, which would stop the applications;
    with REPLICA IDENTITY FULL that holds for any table with a generated column.
    """
    majors = {server.side: server.major for server in situation.publishers}
    newest = max(majors.values(), default=situation.source.major)
    rows = situation.source.rows(_GENERATED, {"own": names.SCHEMA})
    found = [row for row in rows if row[3] != "f" or newest >= 18]
    if found:
        yield refused(
            f"generated columns are part of what tells rows apart in "
            f"{named([row[0] for row in found])}",
            "\n".join(
                statement(
                    "ALTER TABLE {} REPLICA IDENTITY USING INDEX {}", (row[1], row[2]), row[4]
                )
                if row[4] is not None
                else _new_key(row[1], row[2], has_primary=row[5])
                for row in found
            ),
            tuple(row[0] for row in found),
        )


@check("tables.scans", fine="changed rows are found by an index", needs=("source", "target"))
def scans(situation: Situation) -> Iterator[Finding]:
    """Without an index the applier reads the whole table for each changed row."""
    indexed = all(server.major >= 16 for server in situation.subscribers)
    found = tuple(
        table.described
        for table in _identities(situation.source)
        if table.identity == "f"
        and table.rows >= MANY_ROWS
        and not (table.has_key or (indexed and table.has_index))
    )
    if found:
        yield warning(
            f"each update or delete reads the whole of {named(found)} on the follower",
            "add a primary key, or an index on columns that tell rows apart"
            + ("" if indexed else " (PostgreSQL 15 uses a primary key alone)"),
            found,
        )


@check("tables.indexes", fine="every index is valid", needs=("source",))
def indexes(situation: Situation) -> Iterator[Finding]:
    """An index that was never finished is not dumped, so the target will lack it."""
    rows = situation.source.rows(_INVALID, {"own": names.SCHEMA})
    if rows:
        yield warning(
            f"{counted(len(rows), 'invalid index', 'invalid indexes')}, which will not be moved: "
            f"{named([index for index, _, _ in rows])}",
            "\n".join(
                statement("REINDEX INDEX CONCURRENTLY {}", (schema, name))
                + " or "
                + statement("DROP INDEX {}", (schema, name))
                for _, schema, name in rows
            ),
            tuple(index for index, _, _ in rows),
        )


def _new_key(schema: str, name: str, *, has_primary: bool = False) -> str:
    """A statement that adds a column by which rows are told apart."""
    table, column, index = (schema, name), f"{name[:15]}_id", f"{name[:15]}_id_key"
    if has_primary:
        return statement(
            "ALTER TABLE {} ADD COLUMN {} bigint GENERATED ALWAYS AS IDENTITY, "
            "ADD CONSTRAINT {} UNIQUE ({})",
            *(table, column, index, column),
        ) + statement(" ALTER TABLE {} REPLICA IDENTITY USING INDEX {}", table, index)
    return statement(
        "ALTER TABLE {} ADD COLUMN {} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        *(table, column),
    ) + statement(" ALTER TABLE {} REPLICA IDENTITY DEFAULT", table)


def _identities(server: Server) -> list[Unkeyed]:
    rows = server.rows(_IDENTITIES, {"own": names.SCHEMA})
    hard = without_equality(server, {type_ for row in rows for type_ in row[-1]})
    return [
        Unkeyed._make([*row[:-1], tuple(hard[type_] for type_ in row[-1] if type_ in hard)])
        for row in rows
    ]
