"""Figures and names as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from move_sample import BEGAN

from database_moves.report import axes, wording


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"), (0.0042, "4.2 ms"), (0.084, "84 ms"), (0.9996, "1.00 s"), (1.25, "1.25 s"),
        (59.9, "59.9 s"), (59.99, "1 min 00 s"), (245, "4 min 05 s"), (7380, "2 h 03 min"),
        (3599.6, "1 h 00 min"), (273_600, "3 d 04 h"), (-4, "0 ms"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_durations_fit_their_size(seconds: float, said: str) -> None:
    assert wording.duration(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 B"), (999, "999 B"), (1023, "1.00 KiB"), (1536, "1.50 KiB"), (1024**2, "1.00 MiB"),
        (61_203_283_968, "57.0 GiB"), (float("inf"), "–"),
    ],
)  # fmt: skip
def test_sizes_are_in_powers_of_1024(number: float, said: str) -> None:
    assert wording.size(number) == said


def test_no_name_reaches_a_terminal_with_a_character_that_acts_on_it() -> None:
    shown = wording.visible("a\x1b[2Jb\nc\u202ed\x7fé中")
    assert shown == "a\\u001b[2Jb\\u000ac\\u202ed\\u007fé中"


@pytest.mark.parametrize("unit", ["bytes", "bytes/s", "seconds", "rows"])
@pytest.mark.parametrize("power", range(-3, 16))
def test_an_axis_is_round_covers_what_it_must_and_is_not_crowded(unit: str, power: int) -> None:
    for factor in (1, 1.7, 3.3, 9.99):
        highest = factor * 10.0**power
        axis = axes.values(highest, unit)
        # Of parts of a byte there are none.
        assert highest <= axis.top <= max(2.6 * highest, 1)
        assert 2 <= len(axis.ticks) <= 6
        labels = [words for _, words in axis.ticks]
        assert len(set(labels)) == len(labels)
        assert max(map(len, labels)) <= 13


@pytest.mark.parametrize("seconds", [0.05, 0.9, 7, 61, 3000, 40_000, 400_000, 40_000_000])
def test_moments_on_an_axis_lie_within_it_in_order(seconds: float) -> None:
    end = BEGAN + timedelta(seconds=seconds)
    ticks = axes.clock(BEGAN, end, 8)
    assert 1 <= len(ticks) <= 9
    assert all(BEGAN <= at <= end for at, _ in ticks)
    assert [at for at, _ in ticks] == sorted({at for at, _ in ticks})


def test_the_day_is_named_where_it_changes() -> None:
    words = [said for _, said in axes.clock(BEGAN, BEGAN + timedelta(hours=40), 8)]
    assert "Mar 15" in words
