"""What one would use instead: PostgreSQL's own programs in three ways, and pgcopydb."""

from __future__ import annotations

import shutil
import subprocess
from typing import IO, TYPE_CHECKING

from benchmarks.move.ours import JOBS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.move.bed import Bed
    from database_moves.database import Side

SPLIT_BYTES = 64 * 1024**2
"""From where pgcopydb copies a table in parts; it gains by it, so it is let."""


def directory(bed: Bed, name: str) -> None:
    """pg_dump into a directory with two jobs, then pg_restore with two."""
    _through_files(bed, name)


def directory_uncompressed(bed: Bed, name: str) -> None:
    """The same without compression."""
    _through_files(bed, name, "--compress=0")


def pipe(bed: Bed, name: str) -> None:
    """An uncompressed dump straight into pg_restore."""
    dump = subprocess.Popen(
        [bed.programs / "pg_dump", "--format=custom", "--compress=0"],
        env=_environment(bed, "source", name),
        stdout=subprocess.PIPE,
    )
    _run([bed.programs / "pg_restore", "--dbname="], bed, name, stdin=dump.stdout)
    if dump.wait():
        raise subprocess.CalledProcessError(dump.returncode, "pg_dump")


def pgcopydb(bed: Bed, name: str) -> None:
    """Debian's pgcopydb, with the newer version's pg_dump."""
    work = bed.directory / "pgcopydb"
    shutil.rmtree(work, ignore_errors=True)
    command: list[str | Path] = [
        "pgcopydb",
        "clone",
        "--dir",
        work,
        "--skip-large-objects",
        "--skip-extensions",
    ]
    command += ["--table-jobs", str(JOBS), "--index-jobs", str(JOBS)]
    command += ["--split-tables-larger-than", str(SPLIT_BYTES)]
    environment = {
        "PATH": f"{bed.programs}:/usr/bin:/bin",
        "HOME": str(bed.directory),
        "PGCOPYDB_SOURCE_PGURI": _uri(bed, "source", name),
        "PGCOPYDB_TARGET_PGURI": _uri(bed, "target", name),
    }
    with (bed.directory / "pgcopydb.log").open("w") as log:
        subprocess.run(command, env=environment, check=True, stdout=log, stderr=log)


def _through_files(bed: Bed, name: str, *options: str) -> None:
    where = bed.directory / "dump"
    shutil.rmtree(where, ignore_errors=True)
    dump: list[str | Path] = [
        bed.programs / "pg_dump",
        "--format=directory",
        f"--jobs={JOBS}",
        f"--file={where}",
    ]
    subprocess.run([*dump, *options], env=_environment(bed, "source", name), check=True)
    restore: list[str | Path] = [bed.programs / "pg_restore", "--dbname=", f"--jobs={JOBS}", where]
    _run(restore, bed, name)


def _run(command: list[str | Path], bed: Bed, name: str, stdin: IO[bytes] | None = None) -> None:
    subprocess.run(command, env=_environment(bed, "target", name), check=True, stdin=stdin)


def _environment(bed: Bed, side: Side, name: str) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", **bed.database(side, name).environment()}


def _uri(bed: Bed, side: Side, name: str) -> str:
    server = bed.source if side == "source" else bed.target
    return f"postgres://bench:bench@{server.host}:{server.port}/{name}?sslmode=disable"
