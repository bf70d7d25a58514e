"""Whether a follower catches up, told from the trend of its lag."""

from __future__ import annotations

import pytest

from database_moves.replication import positions
from database_moves.replication.health import Health
from database_moves.replication.slots import SlotStatus
from database_moves.replication.trend import LagTrend, Rates


def test_one_sample_tells_no_trend() -> None:
    trend = LagTrend()
    trend.add(0.0, 100, 0)
    assert trend.rates() is None


def test_a_follower_that_applies_more_than_is_written_arrives() -> None:
    trend = LagTrend()
    trend.add(10.0, 1000, 0)
    trend.add(12.0, 1200, 600)
    found = trend.rates()
    assert found == Rates(lag=600, written=100.0, applied=300.0)
    assert found.converging
    assert found.seconds_left == 3.0


@pytest.mark.parametrize("applied", [0, 100, 200])
def test_a_follower_that_applies_no_more_than_is_written_never_arrives(applied: int) -> None:
    trend = LagTrend()
    trend.add(0.0, 1000, 0)
    trend.add(1.0, 1200, applied)
    found = trend.rates()
    assert found is not None
    assert not found.converging
    assert found.seconds_left is None


def test_without_lag_a_follower_has_arrived() -> None:
    trend = LagTrend()
    trend.add(0.0, 1000, 1000)
    trend.add(1.0, 1100, 1200)
    found = trend.rates()
    assert found is not None
    assert found.converging
    assert found.seconds_left == 0.0


def test_only_the_window_counts() -> None:
    trend = LagTrend(window=10.0)
    trend.add(0.0, 0, 0)
    for second in range(100, 121):
        trend.add(float(second), 10_000 + second, 5000 + second * 2)
    assert trend.rates() == Rates(lag=4880, written=1.0, applied=2.0)


@pytest.mark.parametrize("sample", [(2.0, 500, 400), (2.0, 3000, 100), (1.0, 3000, 2000)])
def test_a_position_that_goes_back_begins_anew(sample: tuple[float, int, int]) -> None:
    trend = LagTrend()
    trend.add(0.0, 1000, 400)
    trend.add(1.0, 2000, 500)
    trend.add(*sample)
    assert trend.rates() is None


@pytest.mark.parametrize("text", ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF", "1/0"])
def test_a_position_is_the_same_after_being_a_number(text: str) -> None:
    assert positions.text(positions.number(text)) == text


SLOT = SlotStatus("s", True, 1, "reserved", None, 10, 5, True)
HEALTHY = Health(True, True, 0, slot=SLOT, slot_status="reserved", applied_lsn=100)


def test_caught_up_is_said_only_of_what_works_and_is_past_the_position() -> None:
    assert HEALTHY.caught_up(100)
    assert HEALTHY.caught_up("0/64")
    assert not HEALTHY.caught_up(101)


@pytest.mark.parametrize(
    "fault",
    [
        {"enabled": False},
        {"enabled": None},
        {"worker_running": False},
        {"errors": 1},
        {"conflicts": {"update_missing": 1}},
        {"slot": None, "slot_status": "missing"},
        {"unreachable": ("source",)},
        {"applied_lsn": None},
    ],
    ids=lambda fault: next(iter(fault)),
)
def test_whatever_is_wrong_is_not_caught_up(fault: dict[str, object]) -> None:
    found = Health(**{**vars(HEALTHY), **fault})
    assert not found.caught_up(0)


def test_what_failed_before_the_last_look_does_not_count() -> None:
    former = Health(True, True, 3, {"insert_exists": 2}, slot=SLOT, slot_status="reserved")
    now = Health(**{**vars(former), "applied_lsn": 100})
    assert now.caught_up(100, since=former)
    assert not now.caught_up(100)
    assert not Health(**{**vars(now), "errors": 4}).caught_up(100, since=former)
