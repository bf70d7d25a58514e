"""What a copy costs the source's own workload, unlimited and limited."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
from typing import TYPE_CHECKING

from benchmarks.move import bed as beds
from database_moves import inventory
from database_moves.copying import copy_rows, create_slot_with_snapshot, erase_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.move.bed import Bed
    from database_moves.progress import Step

SHAPE = "a"
CLIENTS = 2
LIMIT = 20_000_000
"""Bytes a second, for the limited copy."""

SAID = f"""\
{CLIENTS} pgbench clients run the standard transaction on the source, alone before and after, and
while the rows of shape ({SHAPE}) are copied again and again. Source, target, mover and clients
share this machine's processors, so this is the most that a copy can cost."""


class Stopped(KeyboardInterrupt):
    """The measurement is over."""


def table(bed: Bed, size: float, seconds: int) -> str:
    """Measure each state for so many seconds; transactions a second, and what share is lost."""
    beds.fill(bed, SHAPE, size)
    bed.recreate("target", SHAPE)
    bed.recreate("source", "load")
    _pgbench(bed, "--initialize", "--quiet", f"--scale={max(1, int(10 * size))}")
    with bed.database("target", SHAPE).session("fill") as connection:
        connection.execute(beds.TABLE_A)
    run = (f"--client={CLIENTS}", f"--time={seconds}", "--no-vacuum")
    before = _rate(_pgbench(bed, *run))
    with _copying(bed, None):
        unlimited = _rate(_pgbench(bed, *run))
    with _copying(bed, LIMIT):
        limited = _rate(_pgbench(bed, *run))
    after = _rate(_pgbench(bed, *run))
    alone = (before + after) / 2
    lines = [f"{'alone':24} {alone:8.0f} transactions/s ({before:.0f} before, {after:.0f} after)"]
    for name, rate in (
        ("copying, no limit", unlimited),
        (f"copying, {LIMIT / 1e6:.0f} MB/s", limited),
    ):
        lines.append(f"{name:24} {rate:8.0f} transactions/s, {1 - rate / alone:.0%} lost")
    return "\n".join(lines)


@contextlib.contextmanager
def _copying(bed: Bed, limit: int | None) -> Iterator[None]:
    """Copy over and over for as long as this is entered."""
    ended = threading.Event()
    failures: list[BaseException] = []

    def look(step: Step) -> None:
        del step
        if ended.is_set():
            raise Stopped

    def work() -> None:
        source, target = bed.database("source", SHAPE), bed.database("target", SHAPE)
        with source.session("inventory") as connection:
            tables = inventory.tables(connection)
        while not ended.is_set():
            try:
                with create_slot_with_snapshot(source, "load") as snapshot:
                    copy_rows(
                        *(source, target, tables, snapshot),
                        jobs=2,
                        rate_limit=limit,
                        progress=look,
                    )
            except Stopped:
                pass
            except BaseException as error:
                failures.append(error)
                return
            finally:
                with source.session("slot") as connection:
                    connection.execute("SELECT pg_drop_replication_slot('load')")
            erase_rows(target)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]


def _pgbench(bed: Bed, *options: str) -> str:
    database = bed.database("source", "load")
    return subprocess.run(
        [bed.programs / "pgbench", *options],
        env={"PATH": "/usr/bin:/bin", **database.environment()},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def _rate(output: str) -> float:
    found = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
    assert found is not None, output
    return float(found[1])
