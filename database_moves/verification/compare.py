"""Compares one range at a time on both sides, ever smaller where it differs."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from database_moves.errors import MoveError
from database_moves.verification import ranges
from database_moves.verification.proof import Prover
from database_moves.verification.work import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import Lock

    from psycopg import sql

    from database_moves.verification.catalog import Layout
    from database_moves.verification.load import LoadLimit
    from database_moves.verification.position import AppliedPosition
    from database_moves.verification.proof import Wrong
    from database_moves.verification.session import Pair, Session
    from database_moves.verification.statements import Identity, Statements
    from database_moves.verification.work import Tally, Work

LISTED_ROWS = 50_000
"""Rows that are listed at once, both sides together: what bounds a verifier's memory."""

PROVEN_ROWS = 500
"""Rows that are proven together; small, so that an attempt is short and rows rest within it."""

ATTEMPTS = 8

MOST_EXTRA_ROWS = 4 * ranges.MOST_ROWS
"""A range of the serving side that is larger than this on the follower is cut."""

STALL_SECONDS = 300.0
"""The follower must come past a position within this time, however far behind it is."""

_Sums = dict[int, tuple[int, Any]]


class Comparer:
    """One thread's part of the comparison."""

    def __init__(
        self,
        pair: Pair,
        statements: Statements,
        position: AppliedPosition,
        work: Work,
        load: LoadLimit,
        deadline: float | None,
        patience: float,
        lock: Lock,
        waiting: Callable[[float], None],
    ) -> None:
        self._pair = pair
        self._statements = statements
        self._position = position
        self._work = work
        self._load = load
        self._deadline = deadline
        self._patience = patience
        self._lock = lock
        self._waiting = waiting
        self._prover = Prover(pair, statements, position, self._applied)

    def small(self, batch: Sequence[Tally]) -> None:
        """Compare many small tables whole, by one statement on each side."""
        statement = self._statements.small([tally.layout for tally in batch])
        serving, follower = self._sums(statement)
        for n, tally in enumerate(batch):
            self._count(tally, serving[n][0])
        self._later([Piece(batch[n]) for n in ranges.differing(serving, follower)])
        self._load.spend(sum(tally.layout.bytes for tally in batch), self._deadline)

    def first(self, piece: Piece) -> int:
        """Compare a range for the first time; how many rows the serving side has there."""
        layout = piece.tally.layout
        serving, follower = self._bucket_sums(piece)
        rows = _rows(serving)
        self._count(piece.tally, rows)
        if ranges.differing(serving, follower):
            self._later([piece])
        self._load.spend(rows * layout.row_bytes, self._deadline)
        return rows

    def again(self, piece: Piece) -> int:
        """Compare a range that differed, now that the follower has applied what it lacked."""
        assert piece.after is not None
        self._applied(piece.after)
        layout = piece.tally.layout
        piece = replace(piece, buckets=max(piece.buckets, ranges.BUCKETS))
        serving, follower = self._bucket_sums(piece)
        with self._lock:
            piece.tally.reread += 1
        rows, other = _rows(serving), _rows(follower)
        self._load.spend(max(rows, other) * layout.row_bytes, self._deadline)
        if layout.ordered and other > MOST_EXTRA_ROWS and self._split(piece):
            return rows
        unlike = ranges.differing(serving, follower)
        for group in ranges.packed(
            unlike,
            lambda n: serving.get(n, (0, 0))[0] + follower.get(n, (0, 0))[0],
            LISTED_ROWS,
            len(unlike),
        ):
            self._prove(piece, self._candidates(piece, group))
        return rows

    def _split(self, piece: Piece) -> bool:
        """Cut a range in which the follower has far more rows than the serving side, by theirs."""
        layout, low = piece.tally.layout, piece.range.low
        boundaries: list[ranges.KeyText] = []
        while True:
            left = ranges.KeyRange(low, piece.range.high)
            statement = self._statements.boundary(layout, left, MOST_EXTRA_ROWS // 2)
            found = self._pair.follower.rows(statement, by_index=True)
            if not found or tuple(found[0]) == low:
                break
            low = tuple(found[0])
            boundaries.append(low)
        if boundaries:
            for part in ranges.split(piece.range, boundaries):
                self._defer(replace(piece, range=part))
        return bool(boundaries)

    def _prove(self, piece: Piece, candidates: Sequence[Identity]) -> None:
        tally = piece.tally
        for some in ranges.packed(candidates, lambda _: 1, PROVEN_ROWS, PROVEN_ROWS):
            if self._work.over:
                # Nobody takes it up any more, so the table stays unfinished.
                self._defer(piece)
                return
            wrong = self._prover.prove(
                tally.layout, some, attempts=ATTEMPTS, patience=self._patience
            )
            columns = self._columns(tally.layout, [w for w in wrong if w.kind == "differs"])
            with self._lock:
                for one in wrong:
                    tally.add(one, columns.get(one.identity, ()))

    def _candidates(self, piece: Piece, chosen: Sequence[int]) -> list[Identity]:
        layout = piece.tally.layout
        statement = self._statements.listing(layout, piece.range, piece.buckets, chosen)
        by_index = piece.range != ranges.ALL

        def read(session: Session) -> Counter[tuple[Identity, int]]:
            return Counter(
                (tuple(key) if layout.key else identity, row_hash)
                for identity, row_hash, key in session.rows(statement, by_index=by_index)
            )

        serving, follower = self._pair.both(read)
        unlike = (serving - follower) + (follower - serving)
        return sorted({identity for identity, _ in unlike})

    def _columns(
        self, layout: Layout, wrong: Sequence[Wrong]
    ) -> Mapping[Identity, tuple[str, ...]]:
        if not layout.key or not wrong:
            return {}
        asked = [one.identity for one in wrong]
        serving, follower = self._pair.both(
            lambda session: dict(
                session.rows(
                    self._statements.column_hashes(
                        layout, "serving" if session is self._pair.serving else "follower", asked
                    ),
                    by_index=True,
                )
            )
        )
        names = [column.name for column in layout.columns]
        return {
            identity: tuple(
                name
                for name, one, other in zip(names, serving[n], follower[n], strict=True)
                if one != other
            )
            for n, identity in enumerate(asked, 1)
            if n in serving and n in follower
        }

    def _bucket_sums(self, piece: Piece) -> tuple[_Sums, _Sums]:
        return self._sums(
            self._statements.buckets(piece.tally.layout, piece.range, piece.buckets),
            by_index=piece.range != ranges.ALL,
        )

    def _sums(self, statement: sql.Composed, *, by_index: bool = False) -> tuple[_Sums, _Sums]:
        def read(session: Session) -> _Sums:
            return {n: (c, s) for n, c, s in session.rows(statement, by_index=by_index)}

        return self._pair.both(read)

    def _count(self, tally: Tally, rows: int) -> None:
        with self._lock:
            tally.rows += rows
            tally.ranges += 1

    def _later(self, pieces: Sequence[Piece]) -> None:
        if pieces:
            after = self._position.now()
            for piece in pieces:
                self._defer(replace(piece, after=after))

    def _defer(self, piece: Piece) -> None:
        with self._lock:
            piece.tally.pending += 1
        self._work.defer(piece)

    def _applied(self, position: str) -> None:
        began = time.monotonic()
        while not self._position.wait(position, 1.0):
            waited = time.monotonic() - began
            self._waiting(waited)
            if waited > STALL_SECONDS:
                raise MoveError(
                    f"the follower has not applied changes up to {position or 'now'} within "
                    f"{STALL_SECONDS:.0f} s",
                    remedy="look whether its subscription is enabled and its log shows errors",
                )


def _rows(sums: _Sums) -> int:
    return sum(count for count, _ in sums.values())
