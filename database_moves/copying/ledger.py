"""Which parts the target has: told in the same transaction that brings their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves import control, inventory
from database_moves.copying import statements
from database_moves.errors import MoveError
from database_moves.inventory import qualified_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from database_moves.copying.parts import Task
    from database_moves.copying.snapshot import Snapshot
    from database_moves.database import Database
    from database_moves.inventory import Table


def erase_rows(target: Database) -> None:
    """Empty all tables of the target and forget that they were copied, in one transaction.

    One that has no page is left as it is: truncating it takes as long as making it.
    """
    with target.session("erase") as connection:
        control.ensure(connection)
        with connection.transaction():
            # Every part enters the ledger first: whatever a lost worker was at has ended now.
            connection.execute(
                sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(statements.LEDGER)
            )
            pages = inventory.with_pages(connection)
            if filled := sorted(name for name, some in pages.items() if some):
                listed = sql.SQL(", ONLY ").join(sql.Identifier(*name) for name in filled)
                connection.execute(sql.SQL("TRUNCATE ONLY {}").format(listed))
            connection.execute(sql.SQL("DELETE FROM {}").format(statements.LEDGER))


def refuse_rows(
    connection: psycopg.Connection[Any], tables: Sequence[Table], snapshot: Snapshot
) -> None:
    """Refuse a target that lacks a table, or has rows of another snapshot or of who knows whom."""
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
    pages = inventory.with_pages(connection)
    wanted = {(table.schema, table.name) for table in tables}
    if missing := sorted(wanted - pages.keys()):
        raise MoveError(
            "the target lacks tables that the source has: "
            + ", ".join(qualified_name(*name) for name in missing[:10]),
            remedy="if they were made during the move, undo that, or give the move up and begin "
            "another",
        )
    doubtful = sorted(name for name in wanted - begun if pages[name])
    filled = [
        qualified_name(*name)
        for name in doubtful
        if connection.execute(
            sql.SQL("SELECT FROM ONLY {} LIMIT 1").format(sql.Identifier(*name))
        ).fetchone()
        is not None
    ]
    if filled:
        raise MoveError(
            f"the target's tables hold rows that no copy brought: {', '.join(filled[:10])}",
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
