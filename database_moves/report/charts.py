"""Draws what was measured over time, as SVG of fixed width: lines, marks and bars.

By own code: pygal's drawings fetch a script, matplotlib weighs 40 MB, and altair needs a browser's
engine to make an SVG.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from database_moves.report import axes, svg, wording

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LEFT, RIGHT, TOP, BOTTOM = 66, 14, 12, 26
"""Pixels around the area in which values are drawn."""
LETTER = 6.6
"""Pixels that a letter of the charts' font takes on average."""
NARROW = 500
"""Pixels below which names of bars stand above them."""
TIPS = 90
"""Places of a line chart that tell their value to a pointer."""


@dataclass(frozen=True)
class Band:
    """A span of time that is marked in a chart, such as a pause of writes."""

    begin: datetime
    end: datetime
    name: str


@dataclass(frozen=True)
class Bar:
    """One bar of a chart of durations; `begin` counts in seconds from the chart's begin."""

    name: str
    begin: float
    seconds: float
    look: str = "bar"


Point = tuple["datetime", float]


@dataclass(frozen=True)
class Frame:
    """An area with a time axis below it and an axis of values from zero at its left."""

    width: int
    height: int
    begin: datetime
    end: datetime
    axis: axes.Axis

    @property
    def floor(self) -> float:
        """Where zero is."""
        return self.height - BOTTOM

    def x(self, at: datetime) -> float:
        """Where a moment is; outside the axis' span at its ends."""
        share = (at - self.begin).total_seconds() / max(
            (self.end - self.begin).total_seconds(), 1e-6
        )
        return LEFT + min(max(share, 0), 1) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Where a value is; outside the axis' span at its ends."""
        share = min(max(value / self.axis.top, 0), 1)
        return self.floor - share * (self.floor - TOP)

    def grid(self) -> str:
        """Both axes with their ticks."""
        parts = []
        for value, words in self.axis.ticks:
            y = self.y(value)
            parts.append(svg.line(LEFT, y, self.width - RIGHT, y, "axis" if value == 0 else "grid"))
            parts.append(svg.label(LEFT - 8, y + 4, words, "tick end"))
        wanted = max(2, (self.width - LEFT - RIGHT) // 90)
        for at, words in axes.clock(self.begin, self.end, wanted):
            x = self.x(at)
            parts.append(svg.line(x, self.floor, x, self.floor + 4, "axis"))
            half = len(words) * LETTER / 2
            middle = min(max(x, LEFT - 30 + half), self.width - half)
            parts.append(svg.label(middle, self.floor + 18, words, "tick middle"))
        return "".join(parts)

    def bands(self, bands: Sequence[Band]) -> str:
        """Marked spans, wide enough to be seen."""
        parts = []
        for band in bands:
            if band.end < self.begin or band.begin > self.end:
                continue
            x = self.x(band.begin)
            width = max(self.x(band.end) - x, 2)
            tip = f"{band.name}, {band.begin:%H:%M:%S} UTC"
            parts.append(svg.box(x - 1, TOP, width, self.floor - TOP, "band", tip))
        return "".join(parts)


def line_chart(
    points: Sequence[Point],
    *,
    unit: str,
    name: str,
    width: int,
    bands: Sequence[Band] = (),
    span: tuple[datetime, datetime] | None = None,
    gap: float = 60.0,
) -> str:
    """A line with the area below it; where nothing was measured for `gap` seconds it is broken."""
    if not points:
        return ""
    begin, end = span or (points[0][0], points[-1][0])
    highest = max(value for _, value in points)
    frame = Frame(width, 190, begin, end, axes.values(highest, unit))
    drawn = []
    for run in _runs(points, gap):
        places = [(frame.x(at), frame.y(value)) for at, value in run]
        if len(places) == 1:
            drawn.append(svg.element("circle", cx=places[0][0], cy=places[0][1], r=2, class_="dot"))
            continue
        drawn.append(svg.path(places, "area", floor=frame.floor))
        drawn.append(svg.path(places, "line"))
    words = f"{name}: at most {_said(highest, unit)}, at the end {_said(points[-1][1], unit)}"
    content = frame.bands(bands) + frame.grid() + "".join(drawn) + _tips(frame, points, unit)
    return svg.drawing(width, 190, words, content)


def dot_chart(points: Sequence[Point], *, name: str, width: int) -> str:
    """One mark a measurement in seconds, each with a stem down to zero."""
    if not points:
        return ""
    highest = max(value for _, value in points)
    frame = Frame(width, 190, points[0][0], points[-1][0], axes.values(highest, "seconds"))
    parts = [frame.grid()]
    for at, value in points:
        x, y = frame.x(at), frame.y(value)
        tip = svg.element("title", svg.text(f"{at:%H:%M:%S} UTC: {wording.duration(value)}"))
        parts.append(svg.line(x, frame.floor, x, y, "stem"))
        parts.append(svg.element("circle", tip, cx=x, cy=y, r=3.5, class_="dot"))
    words = f"{name}: {len(points)} marks, the longest {wording.duration(highest)}"
    return svg.drawing(width, 190, words, "".join(parts))


def bar_chart(bars: Sequence[Bar], *, name: str, width: int, limit: float | None = None) -> str:
    """Bars that begin where the one before ended, one a row, with their names and durations."""
    if not bars:
        return ""
    # Where names beside the bars would leave no room for them, they stand above.
    above = width < NARROW
    row = 38 if above else 24
    height = TOP + row * len(bars) + BOTTOM
    total = max(bar.begin + bar.seconds for bar in bars)
    # A limit far off would press all bars into a corner; it is then told in words alone.
    shown = limit if limit is not None and limit <= 4 * total else None
    names = max(len(wording.visible(bar.name)) for bar in bars) * LETTER + 16
    left = 4 if above else min(names, width * 0.36)
    reach = width - left - 76
    axis = axes.values(max(total, shown or 0), "seconds", max(2, int(reach // 90)))

    def x(seconds: float) -> float:
        return left + seconds / axis.top * reach

    floor = height - BOTTOM
    parts = []
    for value, words in axis.ticks:
        look = "middle" if value or not above else "start"
        parts.append(svg.line(x(value), TOP, x(value), floor, "grid" if value else "axis"))
        parts.append(svg.label(x(value), floor + 18, words, f"tick {look}"))
    if shown is not None:
        parts.append(svg.line(x(shown), TOP - 4, x(shown), floor, "limit"))
        parts.append(svg.label(x(shown) + 5, TOP + 6, "limit", "tick"))
    for number, bar in enumerate(bars):
        y = TOP + (number + 1) * row - 24
        said = wording.duration(bar.seconds)
        name = _fitting(bar.name, reach if above else left - 8)
        place = (left + 4, y, "value") if above else (left - 8, y + 16, "name end")
        parts.append(svg.label(place[0], place[1], name, place[2]))
        span = max(bar.seconds / axis.top * reach, 1.5)
        tip = f"{bar.name}: {said}, from {wording.duration(bar.begin)}"
        parts.append(svg.box(x(bar.begin), y + 5, span, 14, bar.look, tip))
        parts.append(svg.label(x(bar.begin) + span + 6, y + 16, said, "value"))
    longest = max(bars, key=lambda bar: bar.seconds)
    words = (
        f"{name}: {wording.duration(total)} in {wording.counted(len(bars), 'part')}, "
        f"the longest {longest.name} with {wording.duration(longest.seconds)}"
    )
    return svg.drawing(width, height, words, "".join(parts))


def _runs(points: Sequence[Point], gap: float) -> list[list[Point]]:
    runs: list[list[Point]] = [[points[0]]]
    for before, point in pairwise(points):
        if (point[0] - before[0]).total_seconds() > gap:
            runs.append([])
        runs[-1].append(point)
    return runs


def _tips(frame: Frame, points: Sequence[Point], unit: str) -> str:
    stride = max(1, len(points) // TIPS)
    width = (frame.width - LEFT - RIGHT) / TIPS
    return "".join(
        svg.box(
            frame.x(at) - width / 2,
            TOP,
            width,
            frame.floor - TOP,
            "tip",
            f"{at:%H:%M:%S} UTC: {_said(value, unit)}",
        )
        for at, value in points[::stride]
    )


def _said(value: float, unit: str) -> str:
    if unit == "bytes/s":
        return f"{wording.size(value)}/s"
    return wording.in_unit(value, unit)


def _fitting(words: str, width: float) -> str:
    words = wording.visible(words)
    most = max(int(width / LETTER), 4)
    return words if len(words) <= most else f"{words[: most - 1]}…"
