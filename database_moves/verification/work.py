"""Who compares what next: ranges in their order, and again those that differed."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition
from typing import TYPE_CHECKING

from database_moves.verification.ranges import ALL, KeyRange
from database_moves.verification.result import LISTED, Difference, TableResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.verification.catalog import Layout
    from database_moves.verification.position import AppliedPosition
    from database_moves.verification.proof import Wrong

_LOOK_SECONDS = 0.1


@dataclass
class Tally:
    """What is known of one table so far."""

    layout: Layout
    began: float = field(default_factory=time.monotonic)
    planned: bool = False
    pending: int = 0
    rows: int = 0
    ranges: int = 0
    reread: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    listed: list[Difference] = field(default_factory=list)

    def add(self, wrong: Wrong, columns: tuple[str, ...] = ()) -> None:
        """Count a row that is not as it should be, and list it while there is room."""
        self.counts[wrong.kind] = self.counts.get(wrong.kind, 0) + wrong.copies
        if len(self.listed) < LISTED:
            names = (column.name for column in self.layout.key)
            key = dict(zip(names, wrong.key, strict=False))
            self.listed.append(
                Difference(str(self.layout.table), wrong.kind, key, columns, wrong.place)
            )

    def result(self) -> TableResult:
        """The table's result, as of now."""
        return TableResult(
            table=str(self.layout.table),
            rows=self.rows,
            bytes=self.layout.bytes,
            ranges=self.ranges,
            reread=self.reread,
            seconds=time.monotonic() - self.began,
            verified_at=datetime.now(UTC),
            counts=dict(self.counts),
        )


@dataclass(frozen=True)
class Piece:
    """A range of one table, in so many buckets; `after` is what the follower must have applied."""

    tally: Tally
    range: KeyRange = ALL
    buckets: int = 1
    after: str | None = None


Unit = Piece | tuple[Tally, ...]
"""A range of a table, or many small tables that are compared by one statement."""


class Work:
    """The pieces that are left; its methods may be called from any thread."""

    def __init__(
        self, units: Iterator[Unit], position: AppliedPosition, deadline: float | None
    ) -> None:
        self._units = units
        self._position = position
        self._deadline = deadline
        self._again: deque[Piece] = deque()
        self._busy = 0
        self._exhausted = False
        self._stopped = False
        self._looked = 0.0
        self._condition = Condition()

    def next(self) -> Unit | None:
        """What to do next, or None when all is done or the time is over; then call `done`."""
        with self._condition:
            while not self.over:
                unit = self._take()
                if unit is not None:
                    self._busy += 1
                    return unit
                if not self._busy:
                    break
                self._condition.wait(0.1)
            self._condition.notify_all()
            return None

    def _take(self) -> Unit | None:
        if self._again and self._ready(self._again[0]):
            return self._again.popleft()
        unit = None if self._exhausted else next(self._units, None)
        if unit is not None:
            return unit
        self._exhausted = True
        return self._again.popleft() if self._again else None

    def _ready(self, piece: Piece) -> bool:
        if piece.after is None:
            return True
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return False
        self._looked = time.monotonic()
        return self._position.wait(piece.after, 0)

    def defer(self, piece: Piece) -> None:
        """Compare a piece later, when the follower has applied what it lacked; it is counted."""
        with self._condition:
            self._again.append(piece)
            self._condition.notify()

    def done(self) -> None:
        """Say that what `next` returned is dealt with, well or not."""
        with self._condition:
            self._busy -= 1
            self._condition.notify_all()

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    @property
    def over(self) -> bool:
        """Whether somebody stopped the work or the deadline has passed."""
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return self._stopped or late
