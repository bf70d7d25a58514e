"""Holds a mover where it says it is, so that something can be done to it there."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from database_moves import crash_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kit.mover import Ended, Running

    Fault = Callable[[], object]


class Holding:
    """Places to hold at, each with what is done there before the mover goes on.

    Give `environment` to the mover. A place counts once, whichever of its processes comes there.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        self._faults: dict[str, Fault] = {}
        self.done: list[str] = []
        """The places that were reached, in order."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes a mover stop at the places."""
        return {crash_points.HOLD_VARIABLE: str(self._directory)}

    @property
    def left(self) -> set[str]:
        """The places that were not reached yet."""
        return set(self._faults)

    def at(self, place: str, fault: Fault) -> None:
        """Do this when the mover comes there."""
        self._faults[place] = fault
        (self._directory / place).touch()

    def until_ended(self, running: Running, timeout: float = 600.0) -> Ended:
        """Do what is to be done at each place until the mover ends, and how it ended."""
        deadline = time.monotonic() + timeout
        while running.running and time.monotonic() < deadline:
            for file in self._directory.iterdir():
                place, _, process = file.name.rpartition(".")
                if place in self._faults and process.isdigit():
                    _wait_until_stopped(int(process))
                    self._faults.pop(place)()
                    self.done.append(place)
                    file.unlink()
                    with suppress(ProcessLookupError):
                        os.kill(int(process), signal.SIGCONT)
            time.sleep(0.02)
        return running.wait(max(1.0, deadline - time.monotonic()))


def _wait_until_stopped(process: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError, ProcessLookupError):
            text = Path(f"/proc/{process}/stat").read_text()
            if text.rpartition(")")[2].split()[0] != "T":
                time.sleep(0.005)
                continue
        return
    raise TimeoutError(f"process {process} did not stop")
