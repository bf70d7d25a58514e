"""Whether a follower comes nearer, and when it will be there: measured, not wished."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class Rates:
    """Over the samples of the window, in bytes of write-ahead log."""

    lag: int
    written: float
    """Bytes a second that the publisher writes."""
    applied: float
    """Bytes a second that the subscriber confirms."""

    @property
    def converging(self) -> bool:
        """Whether the lag shrinks, or there is none."""
        return self.lag == 0 or self.applied > self.written

    @property
    def seconds_left(self) -> float | None:
        """Until there is no lag if both go on as they do; None where that would be never."""
        if self.lag == 0:
            return 0.0
        return self.lag / (self.applied - self.written) if self.converging else None


class LagTrend:
    """Takes samples of both positions and tells the rates between the oldest and the newest."""

    def __init__(self, window: float = WINDOW_SECONDS) -> None:
        """`window` is in seconds; older samples are forgotten."""
        self._window = window
        self._samples: deque[tuple[float, int, int]] = deque()

    def add(self, at: float, written: int, applied: int) -> None:
        """A sample: an instant in seconds, what is written and what is applied, as positions.

        A position that goes back (another server, a new slot) begins the trend anew.
        """
        if self._samples:
            last = self._samples[-1]
            if at <= last[0] or written < last[1] or applied < last[2]:
                self._samples.clear()
        self._samples.append((at, written, applied))
        while len(self._samples) > 2 and self._samples[1][0] <= at - self._window:
            self._samples.popleft()

    def rates(self) -> Rates | None:
        """The rates, or None before the second sample."""
        if len(self._samples) < 2:
            return None
        first, last = self._samples[0], self._samples[-1]
        seconds = last[0] - first[0]
        return Rates(
            lag=max(0, last[1] - last[2]),
            written=(last[1] - first[1]) / seconds,
            applied=(last[2] - first[2]) / seconds,
        )
