"""Watches how long clients wait at the poolers while a swap holds them back."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from database_moves.errors import MoveError
from database_moves.state import now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from database_moves.poolers.pooler import Pooler

EVERY_SECONDS = 0.02
"""Between two looks; a wait is told too short by so much at most."""

AFTERWARDS_SECONDS = 2.0
"""Clients wait longer than the pause, until the pooler has sessions at the other side."""

MOST = 200
"""Waits that are told; the longest is always among them."""


class Wait(NamedTuple):
    """How long the client that waited longest had waited, at a moment."""

    at: datetime
    seconds: float


class Waits:
    """A watch on every pooler from `begin` to `end`; where one does not answer it sees less."""

    def __init__(self, poolers: Sequence[Pooler]) -> None:
        self._poolers = poolers
        self._seen: list[Wait] = []
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Open a session at each console, and look from now on."""
        for pooler in self._poolers:
            waits = pooler.longest_waits()
            with contextlib.suppress(MoveError):
                self._seen.append(Wait(now(), next(waits)))
                thread = threading.Thread(target=self._watch, args=(waits,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def end(self) -> list[Wait]:
        """What was seen, in order; returns when nobody waits any more, or soon."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        return shown(sorted(self._seen))

    def _watch(self, waits: Iterator[float]) -> None:
        over: float | None = None
        with contextlib.suppress(MoveError):
            for seconds in waits:
                self._seen.append(Wait(now(), seconds))
                if self._over.is_set():
                    over = over or time.monotonic()
                    if not seconds or time.monotonic() - over > AFTERWARDS_SECONDS:
                        return
                time.sleep(EVERY_SECONDS)


def shown(seen: Sequence[Wait]) -> list[Wait]:
    """From just before anybody waited to just after; at most `MOST`, each the longest of a run."""
    waiting = [number for number, wait in enumerate(seen) if wait.seconds > 0]
    if not waiting:
        return []
    around = seen[max(0, waiting[0] - 1) : waiting[-1] + 2]
    runs = min(MOST, len(around))
    return [
        max(
            around[n * len(around) // runs : (n + 1) * len(around) // runs],
            key=lambda wait: wait.seconds,
        )
        for n in range(runs)
    ]
