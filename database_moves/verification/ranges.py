"""Arithmetic of what is compared at once: ranges of keys, buckets of hashes, batches of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")

KeyText = tuple[str, ...]
"""A key's columns as PostgreSQL writes them, in the key's order."""

STATEMENT_SECONDS = 0.5
"""What a statement over one range should take: long enough that its overhead is small, short
enough that its snapshot holds back no vacuum."""

FIRST_BYTES = 8 * 1024**2
"""The first range of a table; later ones follow from how long it took."""

FEWEST_ROWS = 1
MOST_ROWS = 500_000

BUCKETS = 256
"""Parts that a differing range is split into, by a hash of the key, in one reading."""

BUCKET_ROWS = 20_000
"""What a bucket should hold of a table that can't be read by ranges."""

MOST_BUCKETS = 65_536


@dataclass(frozen=True)
class KeyRange:
    """The keys from `low`, included, up to `high`, excluded; None is no limit."""

    low: KeyText | None = None
    high: KeyText | None = None


ALL = KeyRange()


def split(whole: KeyRange, boundaries: Iterable[KeyText]) -> Iterator[KeyRange]:
    """The range cut at ascending boundaries inside it: together the whole, nothing twice."""
    low = whole.low
    for boundary in boundaries:
        if boundary != low:
            yield KeyRange(low, boundary)
            low = boundary
    yield KeyRange(low, whole.high)


class Pace:
    """How many rows of one table to read at once."""

    def __init__(self, bytes_a_row: float) -> None:
        self.rows = _within(round(FIRST_BYTES / max(bytes_a_row, 1.0)))

    def took(self, rows: int, seconds: float) -> None:
        """Learn from a statement over `rows` rows; a change is at most a doubling or halving."""
        if rows < self.rows // 2:
            return
        factor = STATEMENT_SECONDS / max(seconds, 0.001)
        self.rows = _within(round(self.rows * min(2.0, max(0.5, factor))))


def _within(rows: int) -> int:
    return min(MOST_ROWS, max(FEWEST_ROWS, rows))


def buckets_for(rows: float) -> int:
    """A power of two of buckets for a table of about so many rows that has no ranges."""
    count = 1
    while count < MOST_BUCKETS and count * BUCKET_ROWS < rows:
        count *= 2
    return count


def differing(one: Mapping[int, T], other: Mapping[int, T]) -> list[int]:
    """The buckets whose contents differ, or that only one side has."""
    return sorted(n for n in one.keys() | other.keys() if one.get(n) != other.get(n))


def packed(
    items: Sequence[T], size: Callable[[T], float], most: float, count: int
) -> list[list[T]]:
    """Consecutive groups of at most `count` items and, unless one alone is larger, `most` size."""
    groups: list[list[T]] = []
    room = 0.0
    for item in items:
        needed = size(item)
        if not groups or needed > room or len(groups[-1]) >= count:
            groups.append([])
            room = most
        groups[-1].append(item)
        room -= needed
    return groups
