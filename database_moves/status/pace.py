"""How fast something goes and when it will be done, from what a mover measured of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from database_moves.status.document import Following, StepNow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from database_moves.replication.health import Health
    from database_moves.replication.trend import Rates
    from database_moves.state import MoveState, Sample, Side
    from database_moves.status.document import Trend

WINDOW_SECONDS = 30.0

NEAR_BYTES = 1024**2
"""A lag below this is level, whichever way it goes: each commit moves it."""


def step_now(state: MoveState, samples: Sequence[Sample]) -> StepNow | None:
    """The step under way with its rate, or None where the last that was measured has ended."""
    if not samples:
        return None
    last = samples[-1]
    ended = [step.ended for step in state.steps] + [swap.ended for swap in state.swaps]
    if any(moment >= last.at for moment in ended) or state.phase in ("finished", "aborted"):
        return None
    first = _first(samples)
    seconds = (last.at - first.at).total_seconds()
    rate = (last.done - first.done) / seconds if seconds > 0 and last.total else None
    left = (last.total - last.done) / rate if rate and last.total else None
    return StepNow(
        name=last.step,
        at=last.at,
        done=last.done,
        total=last.total,
        unit=last.unit,
        detail=last.detail,
        rate=rate,
        seconds_left=None if left is None else max(0.0, left),
    )


def _first(samples: Sequence[Sample]) -> Sample:
    """The oldest sample of the window that the last one's `done` can be compared with."""
    found = last = samples[-1]
    since = last.at - timedelta(seconds=WINDOW_SECONDS)
    for sample in reversed(samples[:-1]):
        same = (sample.step, sample.unit, sample.total) == (last.step, last.unit, last.total)
        # What is done goes back where a step was begun anew.
        if not same or sample.at < since or sample.done > found.done:
            break
        found = sample
    return found


def stored_lag(follower: Side, state: MoveState, samples: Sequence[Sample]) -> Following | None:
    """The lag that a mover last measured of this follower, with its trend."""
    swapped = max((swap.ended for swap in state.swaps if swap.outcome == "done"), default=None)
    measured = [
        sample
        for sample in samples
        if sample.lag_bytes is not None and (swapped is None or sample.at > swapped)
    ]
    if not measured:
        return None
    last = measured[-1]
    since = last.at - timedelta(seconds=WINDOW_SECONDS)
    first = next(sample for sample in measured if sample.at >= since)
    seconds = (last.at - first.at).total_seconds()
    lag, before = last.lag_bytes or 0, first.lag_bytes or 0
    trend: Trend | None = None
    left = None
    if seconds > 0:
        trend = _trend(lag, lag - before)
        left = lag * seconds / (before - lag) if trend == "nearer" else None
    return Following(
        follower=follower,
        measured="stored",
        at=last.at,
        lag_bytes=lag,
        lag_seconds=last.lag_seconds,
        retained_bytes=last.retained_bytes,
        trend=trend,
        seconds_left=left,
    )


def live_lag(
    follower: Side, known: Health, since: Health, rates: Rates | None, at: datetime
) -> Following:
    """The lag as both sides tell it, with the trend since an earlier look."""
    lag = known.lag_bytes
    trend: Trend | None = None
    if rates is not None and lag is not None:
        trend = _trend(lag, rates.written - rates.applied)
    return Following(
        follower=follower,
        measured="live",
        at=at,
        lag_bytes=lag,
        lag_seconds=known.lag_seconds,
        retained_bytes=known.retained_bytes,
        slot=known.slot_status,
        faults=tuple(known.faults(since)),
        trend=trend,
        written_rate=None if rates is None else rates.written,
        applied_rate=None if rates is None else rates.applied,
        seconds_left=rates.seconds_left if rates is not None and trend == "nearer" else None,
    )


def _trend(lag: int, growth: float) -> Trend:
    if lag <= NEAR_BYTES or growth == 0:
        return "level"
    return "nearer" if growth < 0 else "away"
