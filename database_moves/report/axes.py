"""Chooses round ticks for the axes of charts: bytes, seconds and the time of day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from database_moves.report import wording

if TYPE_CHECKING:
    from collections.abc import Callable

_TIME_STEPS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
)  # fmt: skip
"""Seconds between two ticks that people find round."""

_DAY = 86400.0


@dataclass(frozen=True)
class Axis:
    """Ticks and the highest value of an axis that begins at zero."""

    ticks: tuple[tuple[float, str], ...]
    top: float


def values(highest: float, unit: str, wanted: int = 4) -> Axis:
    """An axis from zero to `highest` or more; `unit` is `bytes`, `bytes/s`, `seconds` or a noun."""
    highest = highest if math.isfinite(highest) and highest > 0 else 1.0
    step = _step(highest / wanted, unit)
    number = max(1, math.ceil(highest / step - 1e-9))
    words = _words(unit, step)
    return Axis(
        tuple((position * step, words(position * step)) for position in range(number + 1)),
        number * step,
    )


def clock(begin: datetime, end: datetime, wanted: int) -> tuple[tuple[datetime, str], ...]:
    """Round moments between two, in UTC; the day is named where it changes."""
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    seconds = max((end - begin).total_seconds(), 0.001)
    step = next((s for s in _TIME_STEPS if seconds / s <= wanted), None)
    if step is None:
        step = 604800 * math.ceil(seconds / wanted / 604800)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    first = math.ceil((begin - midnight).total_seconds() / step)
    found: list[tuple[datetime, str]] = []
    day = None
    for number in range(first, first + wanted + 2):
        at = midnight + timedelta(seconds=number * step)
        if at > end:
            break
        shown = at.strftime("%H:%M" if step >= 60 else "%H:%M:%S")
        if step < 1:
            shown += f".{at.microsecond // 1000:03}"
        if day is not None and at.date() != day:
            shown = f"{at:%b} {at.day}"
        day = at.date()
        found.append((at, shown))
    return tuple(found)


def _step(least: float, unit: str) -> float:
    if unit.startswith("bytes"):
        return max(1.0, 2.0 ** math.ceil(math.log2(max(least, 1e-9))))
    if unit == "seconds" and least > _TIME_STEPS[-1]:
        return _DAY * _step(least / _DAY, "days")
    if unit == "seconds" and least > 5:
        return next(float(s) for s in _TIME_STEPS if s >= least)
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= least - 1e-12)


def _words(unit: str, step: float) -> Callable[[float], str]:
    if unit.startswith("bytes"):
        return lambda value: _short_size(value) + unit.removeprefix("bytes")
    if unit == "seconds":
        return lambda value: _short_seconds(value, step)
    return lambda value: f"{value:,g}"


def _short_size(value: float) -> str:
    power = min(int(math.log(value, 1024) + 1e-9), 5) if value >= 1 else 0
    return f"{value / 1024**power:g} {('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')[power]}"


def _short_seconds(value: float, step: float) -> str:
    if value == 0:
        return "0"
    if step < 0.25:
        return f"{value * 1000:,.6g} ms"
    if value < 60 or step < 1:
        return f"{value:g} s"
    if step > _TIME_STEPS[-1]:
        return f"{value / _DAY:,.6g} d"
    return wording.duration(value).replace(" 00 s", "").replace(" 00 min", "").replace(" 00 h", "")
