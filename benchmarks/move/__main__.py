"""Time to a copy with rows, indexes and constraints, against what one would use instead.

    python -m benchmarks.move [--shapes a b c] [--size 1.0] [--rounds 3]

Every contestant gets two jobs and the same two servers (PostgreSQL 16 to 18, data checksums,
shared_buffers 512MB, max_wal_size 4GB), in turn, `rounds` times; the best round of each counts.
Afterwards the target must hold every row and every index, or the run fails. Memory is the mover's
own processes together, as the sum of their proportional set sizes.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from psycopg import sql

from benchmarks.evaluate import PeakMemory
from benchmarks.move import bed as beds
from benchmarks.move import ours, theirs
from database_moves import inventory

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.move.bed import Bed
    from database_moves.database import Side

OTHERS: dict[str, Callable[[Bed, str], None]] = {
    "pg_dump -Fd -j2 | pg_restore -j2": theirs.directory,
    "the same, uncompressed": theirs.directory_uncompressed,
    "pg_dump -Fc -Z0 | pg_restore": theirs.pipe,
    "pgcopydb clone": theirs.pgcopydb,
}
OURS = "patchworks"


def main() -> None:
    """Measure the shapes that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--shapes", nargs="+", choices=sorted(beds.SHAPES), default=[*beds.SHAPES])
    parser.add_argument("--size", type=float, default=1.0, help="of the shapes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-ours", action="store_true")
    options = parser.parse_args()
    with beds.made() as bed:
        for shape in options.shapes:
            beds.fill(bed, shape, options.size)
            _compare(bed, shape, options.rounds, {} if options.only_ours else OTHERS)
            bed.recreate("source", shape)
            bed.recreate("target", shape)


def _compare(
    bed: Bed, shape: str, rounds: int, others: dict[str, Callable[[Bed, str], None]]
) -> None:
    best: dict[str, float] = {}
    steps: dict[str, float] = {}
    peak = 0.0
    for _ in range(rounds):
        for name in (*others, OURS):
            bed.recreate("target", shape)
            memory = PeakMemory() if name == OURS else None
            began = time.perf_counter()
            taken = others[name](bed, shape) if name in others else ours.copy(bed, shape)
            seconds = time.perf_counter() - began
            if memory is not None:
                peak = max(peak, memory.stop())
            _check(bed, shape)
            if taken is not None and seconds < best.get(name, seconds + 1):
                steps = taken
            best[name] = min(seconds, best.get(name, seconds))
    print(f"\n({shape}) {beds.SHAPES[shape]}")
    for name, seconds in best.items():
        print(f"{name:34} {seconds:7.2f} s")
    if others:
        fastest = min(seconds for name, seconds in best.items() if name != OURS)
        print(f"ratio to the best other: {best[OURS] / fastest:.2f}; ours uses {peak:.0f} MiB")
    print("  ".join(f"{step} {seconds:.2f} s" for step, seconds in steps.items()), flush=True)


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
        for table in inventory.tables(connection):
            query = sql.SQL("SELECT count(*) FROM {}").format(table.qualified)
            rows += (connection.execute(query).fetchone() or (0,))[0]
    return counted, rows


if __name__ == "__main__":
    main()
