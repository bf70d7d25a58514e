"""Copies the rows of all tables at one snapshot, with several sessions, until all are there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from database_moves import control
from database_moves.copying import statements
from database_moves.copying.crew import Crew, Died
from database_moves.copying.meter import Meter
from database_moves.copying.parts import plan
from database_moves.copying.transfer import described
from database_moves.copying.worker import Begin, Done, Failed, Moved
from database_moves.errors import MoveError, SnapshotLostError
from database_moves.inventory import qualified_name
from database_moves.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from database_moves.copying.parts import Measured, Task
    from database_moves.copying.snapshot import Snapshot
    from database_moves.database import Database
    from database_moves.inventory import Table

PATIENCE_SECONDS = 600.0
"""A server that does not come back for so long ends the copy."""

BACKOFF_SECONDS = (0.2, 10.0)
"""The first wait after a lost connection, and the longest: each is twice the one before."""

TELL_SECONDS = 0.5

_AGAIN = "run the same command again: the copy starts over at a new snapshot"


@dataclass(frozen=True)
class CopyResult:
    """What a copy brought, also by earlier calls with the same snapshot."""

    rows: int
    bytes: int
    """As they went over the wire."""
    seconds: float
    """Of this call."""


def copy_rows(
    source: Database,
    target: Database,
    tables: Sequence[Table],
    snapshot: Snapshot,
    *,
    jobs: int,
    rate_limit: int | None = None,
    progress: Progress = silent,
    part_bytes: int = 256 * 1024**2,
) -> CopyResult:
    """Copy the tables' rows as the snapshot shows them; unlogged tables are left out.

    The target's tables must be empty, except for parts that an earlier call with the same snapshot
    brought, which are kept. `rate_limit` is in bytes a second for all `jobs` together. Lost
    connections and restarts are sat out while the snapshot lives. Whatever is raised, no part is
    there by half. Raises `SnapshotLostError` when the copy must start over, `MoveError` for
    anything else, and whatever `progress` raises.
    """
    began = time.monotonic()
    wanted = [table for table in tables if table.persistence == "permanent"]
    begin = Begin(source, target, snapshot.name, snapshot.identity, jobs)
    try:
        # Python takes a while to start, in which the copy is planned.
        with Crew(begin) as crew:
            with target.session("ledger") as connection:
                control.ensure(connection)
            tasks = _planned(source, target, wanted, snapshot, jobs=jobs, part_bytes=part_bytes)
            meter = Meter(tasks, progress, time.monotonic())
            while left := _left(target, tasks, snapshot):
                meter.restart(left)
                _Copy(crew, left, snapshot, meter, rate_limit).run()
        rows, size = _totals(target, snapshot)
    except psycopg.OperationalError as error:
        if not snapshot.alive():
            raise SnapshotLostError(
                "the source ended the snapshot's session", remedy=_AGAIN
            ) from error
        raise MoveError(f"the copy lost a server: {str(error).strip()}") from error
    meter.tell(time.monotonic(), "all rows are copied")
    return CopyResult(rows, size, time.monotonic() - began)


def erase_rows(target: Database, tables: Sequence[Table]) -> None:
    """Empty the tables on the target and forget that they were copied, in one transaction."""
    with target.session("erase") as connection:
        control.ensure(connection)
        with connection.transaction():
            names = sql.SQL(", ONLY ").join(table.qualified for table in tables)
            if tables:
                connection.execute(sql.SQL("TRUNCATE ONLY {}").format(names))
            connection.execute(
                sql.SQL(
                    "DELETE FROM {} AS l USING unnest(%s::text[], %s::text[]) AS t(s, n) "
                    "WHERE l.table_schema = t.s AND l.table_name = t.n"
                ).format(statements.LEDGER),
                ([table.schema for table in tables], [table.name for table in tables]),
            )


def _planned(
    source: Database,
    target: Database,
    tables: Sequence[Table],
    snapshot: Snapshot,
    *,
    jobs: int,
    part_bytes: int,
) -> tuple[Task, ...]:
    """The division of the copy, made once for a snapshot: its parts must not change."""
    if snapshot.plan is None:
        with source.session("plan") as connection:
            measured = statements.measure(connection, tables)
        tasks = plan(measured, part_bytes=part_bytes, jobs=jobs)
        with target.session("plan") as connection:
            _refuse_rows(connection, measured, snapshot)
        snapshot.plan = tasks
    return snapshot.plan


def _refuse_rows(
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


def _left(target: Database, tasks: Sequence[Task], snapshot: Snapshot) -> tuple[Task, ...]:
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


def _totals(target: Database, snapshot: Snapshot) -> tuple[int, int]:
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


class _Copy:
    """One go at the tasks that are left."""

    def __init__(
        self,
        crew: Crew,
        tasks: Sequence[Task],
        snapshot: Snapshot,
        meter: Meter,
        rate_limit: int | None,
    ) -> None:
        self._crew = crew
        self._tasks = dict(enumerate(tasks))
        # Popped from the end: the largest first.
        self._waiting = list(reversed(self._tasks))
        self._running: set[int] = set()
        self._snapshot = snapshot
        self._meter = meter
        self._rate_limit = rate_limit
        self._shared_by = 0
        self._resume = 0.0
        self._wait = BACKOFF_SECONDS[0]
        self._fine = time.monotonic()

    def run(self) -> None:
        """Copy until every task was reported done."""
        while self._waiting or self._running:
            now = time.monotonic()
            if now >= self._resume:
                self._give()
            message = self._crew.next(min(TELL_SECONDS, max(0.01, self._resume - now)))
            if message is not None:
                self._take(message)
            self._meter.tick(time.monotonic())

    def _give(self) -> None:
        while self._waiting and (member := self._crew.idle()) is not None:
            number = self._waiting.pop()
            self._running.add(number)
            self._crew.give(member, number, self._tasks[number])
        if self._rate_limit is not None and self._shared_by != len(self._running):
            self._shared_by = len(self._running)
            self._crew.limit(self._rate_limit / max(1, self._shared_by))

    def _take(self, message: Any) -> None:
        if isinstance(message, Moved):
            self._meter.moved(message.number, self._tasks[message.number], message.bytes)
            self._went_well()
        elif isinstance(message, Done):
            self._running.discard(message.number)
            self._meter.done(message.number, self._tasks[message.number], message.rows)
            self._went_well()
        elif isinstance(message, Failed):
            self._again(message.number)
            self._judge(message)
        elif isinstance(message, Died):
            for number in message.tasks:
                self._again(number)
            self._back_off(f"a worker process ended with {message.code}")
            self._crew.replace(message)

    def _went_well(self) -> None:
        self._fine = time.monotonic()
        self._wait = BACKOFF_SECONDS[0]

    def _again(self, number: int) -> None:
        self._running.discard(number)
        self._waiting.append(number)
        self._meter.undone(number)

    def _judge(self, failed: Failed) -> None:
        """Raise what no other try would mend; else wait before the next."""
        if failed.kind == "SnapshotGoneError":
            raise SnapshotLostError(
                f"the source no longer has the snapshot: {failed.message}", remedy=_AGAIN
            )
        if failed.kind == "RewrittenError":
            raise SnapshotLostError(
                f"{failed.message} was rewritten on the source while it was copied "
                "(TRUNCATE, VACUUM FULL, CLUSTER or ALTER TABLE)",
                remedy=_AGAIN,
            )
        if failed.lost:
            if not self._snapshot.alive():
                raise SnapshotLostError("the source ended the snapshot's session", remedy=_AGAIN)
            self._back_off(failed.message)
            return
        first = self._tasks[failed.number][0]
        if failed.kind == "UnexpectedRowsError":
            raise MoveError(
                f"the target's tables hold rows that no copy brought: {failed.message}",
                remedy="empty them first",
            )
        remedy = None
        if failed.state == "53100":
            remedy = (
                "make room on the target's disk; what was copied is whole, the rest is not there"
            )
        place = "" if failed.kind == "PartError" else f" {described(first)}"
        raise MoveError(f"copying{place} failed: {failed.message}", remedy=remedy)

    def _back_off(self, why: str) -> None:
        now = time.monotonic()
        if now - self._fine > PATIENCE_SECONDS:
            raise MoveError(f"the copy got nowhere for {PATIENCE_SECONDS:.0f} s: {why}")
        self._resume = now + self._wait
        self._wait = min(self._wait * 2, BACKOFF_SECONDS[1])
        self._meter.tell(now, f"trying again: {why}")
