"""Compares two databases row by row while one is written and the other follows.

The tables are cut into ranges of their keys. Each range's rows are counted and hashed on both
sides at the same time; equal ranges are done. What differs is read again once the follower has
applied what was written before it was read, in buckets by a hash of the key; of buckets that still
differ the rows are listed, and rows that differ are proven wrong or right one by one (`proof`).

Ranges need no order that is the same on both sides. Each side's ranges hold all its rows, each
once, so if all agree then the tables do; a row that sorts into another range on the other side
shows as missing in one and extra in another, is then asked for by its key, and found equal.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

import psycopg

from database_moves.errors import MoveError
from database_moves.progress import Step, silent
from database_moves.verification import catalog
from database_moves.verification.compare import Comparer
from database_moves.verification.load import LoadLimit
from database_moves.verification.plan import Planner
from database_moves.verification.position import AtRest
from database_moves.verification.result import Difference, TableResult, Verification
from database_moves.verification.session import Pair, Session
from database_moves.verification.state import VerifiedTable, VerifyState
from database_moves.verification.statements import Statements
from database_moves.verification.work import Tally, Unit, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from database_moves.database import Database
    from database_moves.inventory import Table
    from database_moves.progress import Progress
    from database_moves.verification.position import AppliedPosition

_SAVE_SECONDS = 1.0


def verify(
    serving: Database,
    follower: Database,
    tables: Sequence[Table],
    *,
    jobs: int = 2,
    load_limit: float | None = None,
    position: AppliedPosition | None = None,
    progress: Progress = silent,
    resume: VerifyState | None = None,
    save: Callable[[VerifyState], None] = lambda _: None,
    deadline: float | None = None,
    copy_id: str = "",
    patience: float = 30.0,
) -> Verification:
    """Compare the tables' rows; the serving side is right by definition.

    `jobs` sessions on each side read, and two more on the serving side plan and tell the position.
    `load_limit` is in bytes of tables a second on each side (see `LoadLimit`). `position` None
    says that neither side is written. `resume` and `save`: see `VerifyState`; `save` is called
    from any thread, at most once a second, and at the end. `deadline` is a value of
    `time.monotonic()` past which nothing new is begun; what is left is named as unverified.
    `patience` is for how many seconds a row is asked for that never rests.

    Raises `MoveError` if the follower stops applying, a table changes its columns meanwhile or may
    not be read, and `psycopg.OperationalError` if a server stays away for a minute.
    """
    run = _Run(serving, follower, jobs, load_limit, position, progress, save, deadline, patience)
    try:
        return run.verify(tables, resume, copy_id)
    except psycopg.errors.ProgrammingError as error:
        raise MoveError(f"a table can't be compared: {error}") from error
    finally:
        run.close()


class _Run:
    def __init__(
        self,
        serving: Database,
        follower: Database,
        jobs: int,
        load_limit: float | None,
        position: AppliedPosition | None,
        progress: Progress,
        save: Callable[[VerifyState], None],
        deadline: float | None,
        patience: float,
    ) -> None:
        self._serving, self._follower = serving, follower
        self._jobs = jobs
        self._position = position or AtRest()
        self._progress = progress
        self._save = save
        self._deadline = deadline
        self._patience = patience
        self._load = LoadLimit(load_limit)
        # The first pair finds out whether there are servers at these addresses, before all others.
        self._pairs = [Pair(serving, follower, patient=n > 0) for n in range(jobs)]
        self._lock = Lock()
        self._planning = Session(serving, "verify plan")
        self._began = time.monotonic()
        self._saved_at = 0.0
        self._done_bytes = 0.0
        self._total_bytes = 0.0
        self._tallies: list[Tally] = []
        self._finished: dict[str, TableResult] = {}

    def close(self) -> None:
        for pair in self._pairs:
            pair.close()
        self._planning.close()

    def verify(
        self, tables: Sequence[Table], resume: VerifyState | None, copy_id: str
    ) -> Verification:
        pair = self._pairs[0]
        self._state = VerifyState(
            serving=_identity(pair.serving), follower=_identity(pair.follower), copy_id=copy_id
        )
        if resume is not None and resume.fits(self._state):
            names = {str(table) for table in tables}
            kept = {name: done for name, done in resume.tables.items() if name in names}
            self._state = self._state.model_copy(update={"tables": kept})
        before = dict(self._state.tables)
        layouts, misfits = catalog.layouts(pair, [t for t in tables if str(t) not in before])
        self._total_bytes = float(sum(layout.bytes for layout in layouts))
        self._statements = _agreed_statements(pair)
        self._compare(layouts)
        self._save(self._state)
        return self._verification(before, misfits)

    def _compare(self, layouts: Sequence[catalog.Layout]) -> None:
        self._tallies = [Tally(layout) for layout in layouts]
        self._planner = Planner(self._planning, self._statements, self._lock)
        work = Work(self._planner.units(self._tallies), self._position, self._deadline)
        comparers = [
            Comparer(
                pair, self._statements, self._position, work, self._load, self._deadline,
                self._patience, self._lock, self._waiting,
            )
            for pair in self._pairs
        ]  # fmt: skip
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="verify") as pool:
            running = [pool.submit(self._run, work, comparer) for comparer in comparers]
            try:
                for worker in running:
                    worker.result()
            finally:
                work.stop()

    def _run(self, work: Work, comparer: Comparer) -> None:
        try:
            while (unit := work.next()) is not None:
                try:
                    self._deal(unit, comparer)
                finally:
                    work.done()
        except BaseException:
            work.stop()
            raise

    def _deal(self, unit: Unit, comparer: Comparer) -> None:
        if isinstance(unit, tuple):
            comparer.small(unit)
            read = sum(tally.layout.bytes for tally in unit)
            tallies = unit
        else:
            began = time.monotonic()
            rows = comparer.again(unit) if unit.after is not None else comparer.first(unit)
            read = 0
            if unit.after is None:
                read = round(rows * unit.tally.layout.row_bytes)
                self._planner.pace(unit.tally).took(rows, time.monotonic() - began)
            tallies = (unit.tally,)
        self._account(tallies, read)

    def _account(self, tallies: Sequence[Tally], read: int) -> None:
        with self._lock:
            for tally in tallies:
                tally.pending -= 1
                if tally.planned and not tally.pending:
                    self._finish(tally)
            self._done_bytes += read
            if time.monotonic() - self._saved_at > _SAVE_SECONDS:
                self._saved_at = time.monotonic()
                self._save(self._state)
                self._tell(str(tallies[0].layout.table))

    def _waiting(self, seconds: float) -> None:
        with self._lock:
            self._tell(f"waits for the follower to apply what differed, {seconds:.0f} s so far")

    def _tell(self, detail: str) -> None:
        done = min(self._done_bytes, self._total_bytes)
        self._progress(Step("verify", done, self._total_bytes, "bytes", detail))

    def _finish(self, tally: Tally) -> None:
        result = tally.result()
        self._finished[result.table] = result
        if not result.counts:
            done = VerifiedTable(
                rows=result.rows,
                bytes=result.bytes,
                ranges=result.ranges,
                reread=result.reread,
                seconds=result.seconds,
                at=result.verified_at,
            )
            self._state.tables[result.table] = done

    def _verification(
        self, before: dict[str, VerifiedTable], misfits: Sequence[catalog.Misfit]
    ) -> Verification:
        resumed = [_resumed(name, done) for name, done in before.items()]
        unfit = [_unfit(misfit) for misfit in misfits]
        listed = [Difference(str(m.table), "structure", {}, (), m.reason) for m in misfits]
        return Verification(
            serving=self._serving.address,
            follower=self._follower.address,
            tables=(*resumed, *self._finished.values(), *unfit),
            unverified=tuple(
                str(tally.layout.table)
                for tally in self._tallies
                if str(tally.layout.table) not in self._finished
            ),
            differences=(*listed, *(d for tally in self._tallies for d in tally.listed)),
            seconds=time.monotonic() - self._began,
            resumed=len(before),
        )


def _identity(session: Session) -> str:
    rows = session.rows(
        "SELECT s.system_identifier::text || '/' || d.oid::text "
        "FROM pg_control_system() AS s, pg_database AS d WHERE d.datname = current_database()"
    )
    return str(rows[0][0])


def _agreed_statements(pair: Pair) -> Statements:
    seed = random.SystemRandom().randrange(-(2**63), 2**63)
    statements = Statements(seed)
    encodings = pair.both(lambda session: session.rows("SHOW server_encoding"))
    if encodings[0] == encodings[1]:
        ours, theirs = pair.both(lambda session: session.rows(statements.samples()))
        if ours == theirs:
            return statements
    return Statements(seed, "sha256")


def _resumed(name: str, done: VerifiedTable) -> TableResult:
    return TableResult(
        name, done.rows, done.bytes, done.ranges, done.reread, done.seconds, done.at, {}
    )


def _unfit(misfit: catalog.Misfit) -> TableResult:
    now = datetime.now(UTC)
    return TableResult(str(misfit.table), 0, 0, 0, 0, 0.0, now, {"structure": 1})
