"""Copies the rows of all tables at one snapshot, with several sessions, until all are there."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import psycopg

from database_moves import control
from database_moves.beside import beside
from database_moves.copying import ledger, statements
from database_moves.copying.crew import Crew, Died
from database_moves.copying.meter import Meter
from database_moves.copying.parts import plan
from database_moves.copying.transfer import described
from database_moves.copying.worker import Begin, Done, Failed, Moved
from database_moves.errors import MoveError, SnapshotLostError
from database_moves.progress import Progress, silent
from database_moves.schema import restoring

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from database_moves.copying.crew import Spares
    from database_moves.copying.parts import Measured, Task
    from database_moves.copying.snapshot import Snapshot
    from database_moves.database import Database
    from database_moves.inventory import Table
    from database_moves.schema.along import Build

PATIENCE_SECONDS = 600.0
"""A server that does not come back for so long ends the copy."""

BACKOFF_SECONDS = (0.2, 10.0)
"""The first wait after a lost connection, and the longest: each is twice the one before."""

TELL_SECONDS = 0.5

_NO_BUILDS: Mapping[tuple[str, str], Build] = MappingProxyType({})

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
    spares: Spares | None = None,
    builds: Mapping[tuple[str, str], Build] = _NO_BUILDS,
) -> CopyResult:
    """Copy the tables' rows as the snapshot shows them; unlogged tables are left out.

    The target's tables must be empty, except for parts that an earlier call with the same snapshot
    brought, which are kept. `rate_limit` is in bytes a second for all `jobs` together. `spares` are
    taken before processes are started. `builds` has, by schema and name, the indexes that small
    tables get with their rows; those that can't be built are left. Lost connections and restarts
    are sat out while the snapshot lives. Whatever is raised, no part is there by half. Raises
    `SnapshotLostError` when the copy must start over, `MoveError` for anything else, and whatever
    `progress` raises.
    """
    began = time.monotonic()
    wanted = [table for table in tables if table.persistence == "permanent"]
    begin = Begin(source, target, snapshot.name, snapshot.identity, jobs)
    try:
        # Python takes a while to start, in which the copy is planned.
        with Crew(begin, spares) as crew:
            measuring = beside(lambda: _measured(source, wanted, snapshot))
            with target.session("ledger") as connection:
                control.ensure(connection)
                restoring.ensure(connection)
                if snapshot.plan is None:
                    ledger.refuse_rows(connection, wanted, snapshot)
            tasks = _planned(measuring.result(), snapshot, builds, jobs=jobs, part_bytes=part_bytes)
            meter = Meter(tasks, progress, time.monotonic())
            while left := ledger.left(target, tasks, snapshot):
                meter.restart(left)
                _Copy(crew, left, snapshot, meter, rate_limit).run()
        rows, size = ledger.totals(target, snapshot)
    except psycopg.OperationalError as error:
        if not snapshot.alive():
            raise SnapshotLostError(
                "the source ended the snapshot's session", remedy=_AGAIN
            ) from error
        raise MoveError(f"the copy lost a server: {str(error).strip()}") from error
    meter.tell(time.monotonic(), "all rows are copied")
    return CopyResult(rows, size, time.monotonic() - began)


def _measured(
    source: Database, tables: Sequence[Table], snapshot: Snapshot
) -> tuple[Measured, ...]:
    if snapshot.plan is not None:
        return ()
    with source.session("plan") as connection:
        return statements.measure(connection, tables)


def _planned(
    tables: Sequence[Measured],
    snapshot: Snapshot,
    builds: Mapping[tuple[str, str], Build],
    *,
    jobs: int,
    part_bytes: int,
) -> tuple[Task, ...]:
    """The division of the copy, made once for a snapshot: its parts must not change."""
    if snapshot.plan is None:
        snapshot.plan = plan(tables, part_bytes=part_bytes, jobs=jobs, builds=builds)
    return snapshot.plan


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
            if message.kind == "BuildError":
                # The rows come without, and whoever builds the rest tells which can't be built.
                task = self._tasks[message.number]
                self._tasks[message.number] = tuple(replace(part, build=None) for part in task)
            else:
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
