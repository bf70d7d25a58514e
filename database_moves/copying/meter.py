"""How far a copy is: bytes, rows, rate and the time that is left."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from database_moves.copying.transfer import described
from database_moves.progress import Progress, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from database_moves.copying.parts import Task

WINDOW_SECONDS = 10.0
"""The rate is that of the last so many seconds."""

TELL_SECONDS = 0.5


class Meter:
    """Counts in bytes on the source's disk: what is on the wire has another size."""

    def __init__(self, tasks: Sequence[Task], progress: Progress, now: float) -> None:
        self._progress = progress
        self._total = sum(part.bytes for task in tasks for part in task)
        self._rows = 0
        self._finished = 0
        self._moving: dict[int, int] = {}
        self._seen: deque[tuple[float, int]] = deque([(now, 0)])
        self._detail = ""
        self._told = 0.0

    def restart(self, left: Sequence[Task]) -> None:
        """So much is left, after an earlier go."""
        self._finished = self._total - sum(part.bytes for task in left for part in task)
        self._moving.clear()

    def moved(self, number: int, task: Task, size: int) -> None:
        """So many more bytes of a running task are over."""
        self._moving[number] = min(
            self._moving.get(number, 0) + size, sum(part.bytes for part in task)
        )
        self._detail = described(task[0])

    def done(self, number: int, task: Task, rows: int) -> None:
        """A task is committed."""
        self._moving.pop(number, None)
        self._finished += sum(part.bytes for part in task)
        self._rows += rows
        self._detail = described(task[-1])

    def undone(self, number: int) -> None:
        """A task must be begun anew."""
        self._moving.pop(number, None)

    def tick(self, now: float) -> None:
        """Tell how far it is, if it is time to."""
        if now - self._told >= TELL_SECONDS:
            self.tell(now, self._detail)

    def tell(self, now: float, detail: str) -> None:
        """Tell how far it is."""
        self._told = now
        done = self._finished + sum(self._moving.values())
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW_SECONDS:
            self._seen.popleft()
        self._progress(Step("copy", done, self._total, "bytes", self._described(now, done, detail)))

    def _described(self, now: float, done: int, detail: str) -> str:
        then, before = self._seen[0]
        rate = (done - before) / (now - then) if now > then else 0.0
        told = [detail] if detail else []
        told += [f"{self._rows:,} rows", f"{rate / 1e6:.1f} MB/s"]
        if rate > 0:
            told.append(f"{(self._total - done) / rate:.0f} s left")
        return ", ".join(told)
