"""Which parts the target has: told in the same transaction that brings their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves import control
from database_moves.copying import statements
from database_moves.errors import MoveError
from database_moves.inventory import qualified_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from database_moves.copying.parts import Measured, Task
    from database_moves.copying.snapshot import Snapshot
    from database_moves.database import Database
    from database_moves.inventory import Table


_FILLED = """
SELECT n.nspname, c.relname
  FROM unnest(%s::text[], %s::text[]) AS t(schema, name)
  JOIN pg_namespace AS n ON n.nspname = t.schema
  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name
 WHERE pg_relation_size(c.oid) > 0
"""


def erase_rows(target: Database, tables: Sequence[Table]) -> None:
    """Empty the tables on the target and forget that they were copied, in one transaction.

    One that has no page is left as it is: truncating it takes as long as making it.
    """
    names = [table.schema for table in tables], [table.name for table in tables]
    with target.session("erase") as connection:
        control.ensure(connection)
        with connection.transaction():
            # Every part enters the ledger first: whatever a lost worker was at has ended now.
            connection.execute(
                sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(statements.LEDGER)
            )
            filled = connection.execute(_FILLED, names).fetchall()
            if filled:
                listed = sql.SQL(", ONLY ").join(sql.Identifier(*name) for name in filled)
                connection.execute(sql.SQL("TRUNCATE ONLY {}").format(listed))
            connection.execute(
                sql.SQL(
                    "DELETE FROM {} AS l USING unnest(%s::text[], %s::text[]) AS t(s, n) "
                    "WHERE l.table_schema = t.s AND l.table_name = t.n"
                ).format(statements.LEDGER),
                names,
            )


def refuse_rows(
    connection: psycopg.Connection[Any], tables: Sequence[Measured], snapshot: Snapshot
) -> None:
    """Refuse a target with rows: those of another snapshot, or of who knows whom."""
    other = connection.execute(
        sql.SQL("SELECT count(*) FROM {} WHERE snapshot <> %s").format(statements.LEDGER),
        (snapshot.identity,),
    ).fetchone()
    if other != (0,):
        raise MoveError("the target holds rows of an earlier snapshot", remedy="erase them first")
    begun = set(
        connection.execute(
            sql.SQL("SELECT table_schema, table_name FROM {}").format(statements.LEDGER)
        ).fetchall()
    )
    fresh = [table for table in tables if (table.schema, table.name) not in begun]
    for position in range(0, len(fresh), 500):
        queries = [
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM ONLY {})").format(
                sql.Literal(qualified_name(table.schema, table.name)),
                sql.Identifier(table.schema, table.name),
            )
            for table in fresh[position : position + 500]
        ]
        filled = connection.execute(sql.SQL(" UNION ALL ").join(queries)).fetchall()
        if filled:
            names = ", ".join(name for (name,) in filled[:10])
            raise MoveError(
                f"the target's tables hold rows that no copy brought: {names}",
                remedy="empty them first",
            )


def left(target: Database, tasks: Sequence[Task], snapshot: Snapshot) -> tuple[Task, ...]:
    """The tasks whose parts are not all in the ledger, durably.

    Parts are committed without waiting for the disk, so a crash of the target may have taken some
    back after they were reported. The ledger is read and then a commit waited for on the same
    connection: what was read is on the disk when that returns, or it raises.
    """
    with target.session("ledger") as connection:
        done = set(
            connection.execute(
                sql.SQL(
                    "SELECT table_schema, table_name, part, parts FROM {} WHERE snapshot = %s"
                ).format(statements.LEDGER),
                (snapshot.identity,),
            ).fetchall()
        )
        connection.execute(
            sql.SQL("UPDATE {} SET at = at WHERE ctid = (SELECT min(ctid) FROM {})").format(
                statements.LEDGER, statements.LEDGER
            )
        )
    return tuple(
        task
        for task in tasks
        if any(
            (part.table.schema, part.table.name, part.number, part.of) not in done for part in task
        )
    )


def totals(target: Database, snapshot: Snapshot) -> tuple[int, int]:
    """Rows and bytes of all parts that were copied at the snapshot."""
    with target.session("ledger") as connection:
        row = connection.execute(
            sql.SQL(
                "SELECT coalesce(sum(rows), 0)::bigint, coalesce(sum(bytes), 0)::bigint "
                "FROM {} WHERE snapshot = %s"
            ).format(statements.LEDGER),
            (snapshot.identity,),
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
