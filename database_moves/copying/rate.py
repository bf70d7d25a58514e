"""Holds a flow of bytes to a rate, without sleeping itself."""

from __future__ import annotations

BURST_SECONDS = 0.1
"""What may pass at once after a silence; short, so that the source never sees a second's worth."""


class Rate:
    """So many bytes a second; `rate` may be changed at any time, None is no limit."""

    def __init__(self, rate: float | None, now: float) -> None:
        self.rate = rate
        self._paid_until = now

    def take(self, size: int, now: float) -> float:
        """Account for `size` bytes that passed at `now`; seconds to wait before the next."""
        if self.rate is None:
            self._paid_until = now
            return 0.0
        begin = max(self._paid_until, now - BURST_SECONDS)
        self._paid_until = begin + size / self.rate
        return max(0.0, self._paid_until - now)
