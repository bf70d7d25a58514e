"""The memory that a process and all that it started hold together."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class PeakMemory:
    """Watches the proportional set size of this process and its descendants, in MiB.

    Pages that forked workers share count once.
    """

    def __init__(self) -> None:
        self._peak = 0.0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._run, daemon=True)
        self._watch.start()

    def stop(self) -> float:
        """The highest seen."""
        self._ended.set()
        self._watch.join()
        return self._peak

    def _run(self) -> None:
        while True:
            self._peak = max(self._peak, sum(map(_memory, _family(os.getpid()))))
            if self._ended.wait(0.25):
                return


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def _memory(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
