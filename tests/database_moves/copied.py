"""Makes databases to copy, and says whether the target has what the snapshot shows."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves import inventory
from database_moves.copying import CopyResult, copy_rows, create_slot_with_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from made import Made

    from database_moves.copying import Snapshot
    from database_moves.database import Database
    from database_moves.inventory import Table

SLOT = "pw_copy_test"


@dataclass
class Copying:
    """A snapshot of a source whose tables the target has too, without rows."""

    source: Database
    target: Database
    tables: tuple[Table, ...]
    snapshot: Snapshot
    then: psycopg.Connection[Any]
    """Sees what the snapshot shows, also when the snapshot is gone."""

    def run(self, **options: Any) -> CopyResult:
        options = {"jobs": 3, "part_bytes": 1024**2, **options}
        return copy_rows(self.source, self.target, self.tables, self.snapshot, **options)

    def check(self, *left_out: str) -> None:
        """Each table that is not left out holds on the target what the snapshot shows."""
        with self.target.session("test") as now:
            for table in self.tables:
                expected = [] if table.name in left_out else rows(self.then, table)
                assert rows(now, table) == expected, str(table)


def rows(connection: psycopg.Connection[Any], table: Table) -> list[tuple[Any, ...]]:
    """A digest of each row, in an order of its own."""
    query = sql.SQL('SELECT md5("-row-"::text) FROM ONLY {} AS "-row-" ORDER BY 1').format(
        table.qualified
    )
    return connection.execute(query).fetchall()


@contextlib.contextmanager
def copying(source: Made, target: Made, *, through: Database | None = None) -> Iterator[Copying]:
    """Take a snapshot; `through` is another way to the source's server than straight."""
    reading = through or source.as_database("source")
    writing = target.as_database("target")
    with reading.session("test") as connection:
        tables = inventory.tables(connection)
    with (
        create_slot_with_snapshot(reading, SLOT) as snapshot,
        source.as_database("source").session("test", autocommit=False) as then,
    ):
        then.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        then.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot.name)))
        yield Copying(reading, writing, tables, snapshot, then)


def on_both(source: Made, target: Made, *statements: str) -> None:
    """Run statements as the owner of both databases."""
    for made in (source, target):
        with made.owner() as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement))
