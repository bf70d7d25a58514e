"""Rows are passed over as their headers say, whatever is in them and wherever a buffer ends."""

from __future__ import annotations

import random
import struct

import pytest

from database_moves.copying.rows import DATA, HEADER, MOST, Rows


def message(payload: bytes, letter: bytes = b"d") -> bytes:
    return letter + struct.pack(">I", len(payload) + 4) + payload


def one_by_one(buffer: bytearray, position: int, end: int) -> tuple[int, int]:
    kind = DATA
    while position <= end - 5:
        kind, length = HEADER(buffer, position)
        if kind != DATA:
            break
        position += length + 1
    return position, kind


def hostile(randomness: random.Random, lengths: int) -> bytes:
    """Rows that hold what looks like headers, ends and line breaks, of so many lengths."""
    rows = []
    for _ in range(300):
        size = randomness.randrange(lengths)
        parts = [b"d", b"\n", b"c\0\0\0\4", message(b"row"), b"\0", b"C", b"Z", b"."]
        rows.append(message(b"".join(randomness.choices(parts, k=size + 1))[:size]))
    return b"".join(rows)


@pytest.mark.parametrize("lengths", [1, 3, MOST, 60, 2000])
@pytest.mark.parametrize("after", [b"", message(b"", b"c"), message(b"x" * 9, b"N")])
def test_all_rows_and_no_other_message_are_passed_over(lengths: int, after: bytes) -> None:
    randomness = random.Random(lengths)
    rows = hostile(randomness, lengths)
    buffer = bytearray(rows + after)
    passing = Rows()
    for _ in range(2):
        assert passing.passed(buffer, 0, len(buffer)) == one_by_one(buffer, 0, len(buffer))
    position, kind = passing.passed(buffer, 0, len(buffer))
    assert position == len(rows)
    assert kind == (after[0] if after else DATA)


@pytest.mark.parametrize("lengths", [2, 5, 60])
def test_a_row_that_is_not_whole_is_owed(lengths: int) -> None:
    randomness = random.Random(lengths)
    rows = bytearray(hostile(randomness, lengths)[:900])
    passing = Rows()
    for end in [*range(len(rows)), *range(len(rows))]:
        assert passing.passed(rows, 0, end) == one_by_one(rows, 0, end), end
