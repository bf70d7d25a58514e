"""The memory that a process and all that it started hold together."""

from __future__ import annotations

import os
import threading
from pathlib import Path

SECONDS = 1.0
"""Between two looks, each of which takes some 10 ms of a processor for each process."""


class PeakMemory:
    """Watches the proportional set sizes of a process and its descendants, in MiB.

    By default of this process. A page that several of them share counts once in all; servers are no
    descendants.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._pid = os.getpid() if pid is None else pid
        self._peak = 0.0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._run, daemon=True)
        self._watch.start()

    def stop(self) -> float:
        """The most that was seen."""
        self._ended.set()
        self._watch.join()
        return self._peak

    def _run(self) -> None:
        while True:
            self._peak = max(self._peak, sum(map(_size, _family(self._pid))))
            if self._ended.wait(SECONDS):
                return


def _family(pid: int) -> list[int]:
    found = [pid]
    for process in found:
        for thread in Path(f"/proc/{process}/task").glob("*"):
            try:
                found += map(int, (thread / "children").read_text().split())
            except OSError:
                continue
    return found


def _size(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
