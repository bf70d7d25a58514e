"""The processor time of both servers and the tools, which other work changes little."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from benchmarks.move.bed import Bed

TICKS = os.sysconf("SC_CLK_TCK")


def spent(bed: Bed) -> float:
    """Seconds so far, of the servers' processes and of all children of this one that ended."""
    tools = resource.getrusage(resource.RUSAGE_CHILDREN)
    servers = sum(_server(server.superuser_dsn) for server in (bed.source, bed.target))
    return servers + tools.ru_utime + tools.ru_stime


def _server(superuser_dsn: str) -> float:
    with psycopg.connect(superuser_dsn) as connection:
        postmaster = int(_stat(connection.info.backend_pid)[1])
    ticks = sum(map(int, _stat(postmaster)[11:15]))
    for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        try:
            ticks += sum(map(int, _stat(int(child))[11:13]))
        except OSError:
            # It has ended, and counts with the postmaster the next time.
            continue
    return ticks / TICKS


def _stat(pid: int) -> list[str]:
    """The fields from the state on: the process' name before it may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
