"""Takes from samples what the charts show: lag, the rate of the copy, and the pauses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from database_moves.report.charts import Band, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from database_moves.report.document import MoveReport
    from database_moves.state import Sample

LAG_POINTS = 160
"""Points of a chart of lag, each the highest of its share of the time."""

RATE_POINTS = 240
"""Points of the chart of the copy's rate: enough for its width, few enough to be calm."""


def lag_bytes(samples: Sequence[Sample]) -> list[Point]:
    """How far the follower was behind, in bytes of write-ahead log."""
    return _measured(samples, lambda sample: sample.lag_bytes)


def lag_seconds(samples: Sequence[Sample]) -> list[Point]:
    """How far the follower was behind, in seconds."""
    return _measured(samples, lambda sample: sample.lag_seconds)


def copy_rate(samples: Sequence[Sample]) -> list[Point]:
    """Bytes a second that the copy brought, each over the time since the point before.

    A copy that started over counts from zero again.
    """
    copying = [sample for sample in samples if sample.phase == "copy" and sample.unit == "bytes"]
    found: list[Point] = []
    if not copying:
        return found
    least = max((copying[-1].at - copying[0].at).total_seconds() / RATE_POINTS, 0.5)
    before = copying[0]
    for sample in copying[1:]:
        seconds = (sample.at - before.at).total_seconds()
        if sample.done < before.done:
            before = sample
        elif seconds >= least:
            rate = (sample.done - before.done) / seconds
            if math.isfinite(rate):
                found.append((sample.at, rate))
            before = sample
    return found


def pauses(report: MoveReport) -> list[Band]:
    """Every swap, done or undone, as a band to mark in charts over time."""
    return [
        Band(
            swap.began,
            swap.ended,
            f"{'rollback' if swap.to == 'source' else 'cutover'} {swap.number} ({swap.outcome})",
        )
        for swap in report.swaps
    ]


def _measured(
    samples: Sequence[Sample], value: Callable[[Sample], float | None]
) -> list[tuple[datetime, float]]:
    known = [
        (sample.at, float(found))
        for sample in samples
        if (found := value(sample)) is not None and math.isfinite(found) and found >= 0
    ]
    if len(known) <= LAG_POINTS:
        return known
    shares = [
        known[n * len(known) // LAG_POINTS : (n + 1) * len(known) // LAG_POINTS]
        for n in range(LAG_POINTS)
    ]
    return [max(share, key=lambda point: point[1]) for share in shares]
