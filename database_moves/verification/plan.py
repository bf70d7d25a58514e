"""Cuts tables into what is compared at once: batches of small tables, and ranges of large ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from database_moves.verification import ranges
from database_moves.verification.work import Piece, Tally, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from threading import Lock

    from database_moves.verification.session import Session
    from database_moves.verification.statements import Statements

SMALL_BYTES = 1024**2
"""Tables up to this are compared whole, many by one statement."""

BATCH_TABLES = 100
BATCH_BYTES = 8 * 1024**2


class Planner:
    """Finds where ranges begin and end, on the serving side, just before they are compared."""

    def __init__(self, session: Session, statements: Statements, lock: Lock) -> None:
        """`lock` guards the tallies, which other threads count in."""
        self._session = session
        self._statements = statements
        self._lock = lock
        self._paces: dict[int, ranges.Pace] = {}

    def pace(self, tally: Tally) -> ranges.Pace:
        """How many rows of a table to read at once."""
        known = self._paces.get(tally.layout.table.oid)
        if known is None:
            known = ranges.Pace(tally.layout.row_bytes)
            self._paces[tally.layout.table.oid] = known
        return known

    def units(self, tallies: Sequence[Tally]) -> Iterator[Unit]:
        """What to compare first, in order; asked by one thread at a time, whichever it is."""
        small = [tally for tally in tallies if tally.layout.bytes <= SMALL_BYTES]
        for batch in ranges.packed(small, lambda t: t.layout.bytes, BATCH_BYTES, BATCH_TABLES):
            for tally in batch:
                self._plan(tally, last=True)
            yield tuple(batch)
        for tally in tallies:
            if tally.layout.bytes > SMALL_BYTES:
                yield from self._pieces(tally)

    def _pieces(self, tally: Tally) -> Iterator[Piece]:
        if not tally.layout.ordered:
            self._plan(tally, last=True)
            yield Piece(tally, buckets=ranges.buckets_for(tally.layout.rows))
            return
        low: ranges.KeyText | None = None
        while True:
            high = self._boundary(tally, low)
            self._plan(tally, last=high is None)
            yield Piece(tally, ranges.KeyRange(low, high))
            if high is None:
                return
            low = high

    def _boundary(self, tally: Tally, low: ranges.KeyText | None) -> ranges.KeyText | None:
        statement = self._statements.boundary(
            tally.layout, ranges.KeyRange(low), self.pace(tally).rows
        )
        found = self._session.rows(statement, by_index=True)
        if found and low is not None and tuple(found[0]) == low:
            # Where only part of the key forms ranges, one value can fill more than a range.
            found = self._session.rows(self._statements.following(tally.layout, low), by_index=True)
        return tuple(found[0]) if found else None

    def _plan(self, tally: Tally, *, last: bool) -> None:
        with self._lock:
            if not tally.pending and not tally.ranges:
                tally.began = time.monotonic()
            tally.pending += 1
            tally.planned = last
