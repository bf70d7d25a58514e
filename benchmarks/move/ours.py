"""A move's own steps from nothing to a target that is ready to follow."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from database_moves import inventory
from database_moves.copying import copy_rows, create_slot_with_snapshot

if TYPE_CHECKING:
    from benchmarks.move.bed import Bed

SETTINGS = {
    # What a crash takes back is built again: nothing here is worth waiting for the disk.
    "synchronous_commit": "off",
    "maintenance_work_mem": "256MB",
    "max_parallel_maintenance_workers": "1",
}
"""Of the sessions that restore the schema and build indexes."""

JOBS = 2
"""Of every contestant, on a machine with two cores."""

SESSIONS = 3
"""That copy rows: one more than there are cores, because each waits for the disk at times."""


def copy(bed: Bed, name: str, rate_limit: int | None = None) -> dict[str, float]:
    """Run all the steps; the seconds of each."""
    source, target = bed.database("source", name), bed.database("target", name)
    archive = bed.directory / "archive"
    slot = f"bench_{name}"
    seconds: dict[str, float] = {}
    began = time.perf_counter()

    def ended(step: str) -> None:
        nonlocal began
        now = time.perf_counter()
        seconds[step] = now - began
        began = now

    try:
        with create_slot_with_snapshot(source, slot) as snapshot:
            ended("slot")
            _run(
                *(bed.programs / "pg_dump", "--format=custom", "--schema-only", "--file", archive),
                *(f"--snapshot={snapshot.name}", "--exclude-schema=patchworks_moves"),
                environment=source.environment(),
            )
            _restore(bed, name, "--section=pre-data")
            ended("schema")
            with source.session("inventory") as connection:
                tables = inventory.tables(connection)
            copy_rows(source, target, tables, snapshot, jobs=SESSIONS, rate_limit=rate_limit)
            ended("rows")
        _restore(bed, name, "--section=post-data", f"--jobs={JOBS}")
        ended("indexes")
    finally:
        with source.session("slot") as connection:
            connection.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
    return seconds


def _restore(bed: Bed, name: str, *options: str) -> None:
    target = bed.database("target", name)
    _run(
        *(bed.programs / "pg_restore", "--dbname=", *options, bed.directory / "archive"),
        environment=target.environment()
        | {"PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())},
    )


def _run(*command: object, environment: dict[str, str]) -> None:
    subprocess.run(
        [str(word) for word in command],
        env={"PATH": "/usr/bin:/bin", **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )
