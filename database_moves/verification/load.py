"""Keeps what verification reads below a rate."""

from __future__ import annotations

import time
from threading import Lock


class LoadLimit:
    """At most so many bytes a second on each side, all sessions together; None is no limit.

    A byte is one of a table with its TOAST, by an average row: what a statement read is known only
    after it, so the next one waits until the rate is kept again. Both sides read the same ranges,
    so one account serves both.
    """

    def __init__(self, bytes_a_second: float | None) -> None:
        self._rate = bytes_a_second
        self._free_at = time.monotonic()
        self._lock = Lock()

    def spend(self, read_bytes: float, until: float | None = None) -> None:
        """Account for bytes, and wait until more may be read; not beyond `until` (monotonic)."""
        if self._rate is None:
            return
        with self._lock:
            now = time.monotonic()
            # What was not used is not saved up: a rate is a rate at every moment.
            self._free_at = max(self._free_at, now) + read_bytes / self._rate
            wait = self._free_at - now
        if until is not None:
            wait = min(wait, until - time.monotonic())
        time.sleep(max(0.0, wait))
