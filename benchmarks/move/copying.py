"""Time to a copy with rows, indexes and constraints, against what one would use instead."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from psycopg import sql

from benchmarks.move import bed as beds
from benchmarks.move import ours, processors, theirs
from database_moves import inventory

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.move.bed import Bed
    from benchmarks.move.ours import Moved
    from database_moves.database import Side

OTHERS: dict[str, Callable[[Bed, str], None]] = {
    "pg_dump -Fd -j2, pg_restore -j2": theirs.directory,
    "the same, uncompressed": theirs.directory_uncompressed,
    "pg_dump -Fc -Z0 | pg_restore": theirs.pipe,
    "pgcopydb clone": theirs.pgcopydb,
}
OURS = "patchworks, the copy"
WHOLE = "patchworks, the whole move"

SAID = """\
Every contestant has two jobs and the same two servers, PostgreSQL 16 to 18. Times are from the
start of the first process until rows, indexes and constraints are there. "The copy" of patchworks
has its start and the preflight in it, which the others do without; "the whole move" also follows
the source, has statistics, and has compared every row on both sides by hashes. Beside the times
stands the least processor time of both servers and the tool."""


@dataclass
class Results:
    """The seconds of each contestant, a round each, and what the best move was made of."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    processors: dict[str, float] = field(default_factory=dict)
    """The least processor time of each, in seconds."""
    best: Moved | None = None
    memory: float = 0.0

    def add(self, name: str, seconds: float) -> None:
        """Note a round."""
        self.seconds.setdefault(name, []).append(seconds)

    def spent(self, name: str, seconds: float) -> None:
        """Note the processor time of a round."""
        self.processors[name] = min(seconds, self.processors.get(name, seconds))

    def add_ours(self, moved: Moved) -> None:
        """Note a round of a move."""
        self.add(OURS, moved.copied)
        self.add(WHOLE, moved.verified)
        self.memory = max(self.memory, moved.memory)
        if self.best is None or moved.copied < self.best.copied:
            self.best = moved


def compare(bed: Bed, shape: str, size: float, rounds: int, *, only_ours: bool = False) -> Results:
    """Copy a shape with each contestant in turn, beginning each round with another one."""
    beds.fill(bed, shape, size)
    names = [OURS] if only_ours else [*OTHERS, OURS]
    results = Results()
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            bed.recreate("target", shape)
            before = processors.spent(bed)
            if name == OURS:
                moved = ours.move(bed, shape)
                results.spent(WHOLE, processors.spent(bed) - before)
                _check(bed, shape)
                results.add_ours(moved)
                ours.withdraw(bed, shape)
            else:
                began = time.perf_counter()
                OTHERS[name](bed, shape)
                results.add(name, time.perf_counter() - began)
                results.spent(name, processors.spent(bed) - before)
                _check(bed, shape)
    bed.recreate("source", shape)
    bed.recreate("target", shape)
    return results


def table(shape: str, results: Results) -> str:
    """The results as a table; ratios are to the best other, of the best and of median rounds."""
    others = {n: s for n, s in results.seconds.items() if n not in (OURS, WHOLE)}
    best = min(map(min, others.values()), default=None)
    usual = min(map(median, others.values()), default=None)
    lines = [
        f"({shape}) {beds.SHAPES[shape]}",
        f"{'':34}{'best':>9}{'median':>9}{'ratio':>8}{'ratio':>8}{'processors':>13}",
    ]
    for name, seconds in results.seconds.items():
        line = f"{name:34}{min(seconds):7.2f} s{median(seconds):7.2f} s"
        if best is not None and usual is not None:
            line += f"{min(seconds) / best:8.2f}{median(seconds) / usual:8.2f}"
        if name in results.processors:
            line += f"{results.processors[name]:11.2f} s"
        lines.append(line)
    if results.best is not None:
        steps = (f"{step} {seconds:.2f}" for step, seconds in results.best.steps.items())
        lines.append(f"seconds of its steps: {', '.join(steps)}")
        lines.append(f"memory of the mover's processes: {results.memory:.0f} MiB at most")
    return "\n".join(lines)


def _check(bed: Bed, shape: str) -> None:
    """Both sides hold the same rows, indexes and constraints, by their numbers."""
    wanted, held = _held(bed, "source", shape), _held(bed, "target", shape)
    if held != wanted:
        raise SystemExit(f"the target differs: {held} in place of {wanted}")


def _held(bed: Bed, side: Side, shape: str) -> tuple[object, ...]:
    with bed.database(side, shape).session("check") as connection:
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid"
            " WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid),"
            " (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            " AND contype <> 'n')"
        ).fetchone()
        rows = 0
        for each in inventory.tables(connection):
            query = sql.SQL("SELECT count(*) FROM {}").format(each.qualified)
            rows += (connection.execute(query).fetchone() or (0,))[0]
    return counted, rows
