"""The parts of the page, one function each: HTML from the report, everything escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.report import charts, series, wording
from database_moves.report.document import around
from database_moves.report.svg import element, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from database_moves.report.document import MoveReport
    from database_moves.state import Sample, SwapRecord

WIDE, HALF, NARROW = 880, 430, 340
"""Pixels of the two drawings of each chart: text in a drawing shrinks with it."""

AROUND = 20
"""Seconds before and after a swap that its chart of waits shows."""

SHOWN = 10
"""Tables that are listed at once; the rest is folded."""

OUTCOMES = {"done": "done", "aborted": "undone"}

EFFECTS = {
    "poolers-paused": "pause the poolers",
    "fenced": "fence the serving side",
    "sessions-ended": "end its sessions",
    "locked": "lock its tables",
    "marked": "write the last marker",
    "drained": "drain the stream",
    "carried": "carry the rest",
    "reverse-advanced": "advance the reverse slot",
    "follower-ready": "prove the follower ready",
    "poolers-switched": "switch the poolers",
    "switched": "run the switch command",
    "decided": "decide",
    "opened": "open the follower",
    "poolers-resumed": "resume the poolers",
    "undone": "undo all",
}
"""What the parts of a pause are called for people; others keep their names."""


def _of_the_wait(report: MoveReport) -> str:
    if report.writes_waited is not None:
        return "in the latest swap"
    done = any(swap.outcome == "done" for swap in report.swaps)
    return "not known, as the mover was interrupted" if done else "no swap was done yet"


def summary(report: MoveReport) -> str:
    """What moved, who serves, how long writes waited, what verification found."""
    waited = report.writes_waited
    verified = report.verification
    known = [step.ended for step in report.steps] + [swap.ended for swap in report.swaps]
    ended = report.ended or max(known, default=report.generated)
    tiles = [
        ("Serving", report.serving, report.address(report.serving), ""),
        (
            "Writes waited",
            wording.NONE if waited is None else wording.duration(waited),
            _of_the_wait(report),
            "",
        ),
        (
            "Rows verified",
            wording.NONE if verified is None else wording.count(verified.rows),
            "not verified" if verified is None else wording.counted(verified.tables, "table"),
            "",
        ),
        (
            "Differences",
            wording.NONE if verified is None else wording.count(verified.differences),
            "not verified"
            if verified is None
            else f"{len(verified.unverified):,} tables not compared"
            if verified.unverified
            else "every row agrees"
            if verified.agrees
            else "see below",
            "" if verified is None else ("good" if verified.agrees else "bad"),
        ),
        (
            "Copied",
            wording.NONE if report.bytes is None else wording.size(report.bytes),
            wording.NONE if report.rows is None else f"{wording.count(report.rows)} rows",
            "",
        ),
        (
            "Time",
            wording.duration((ended - report.began).total_seconds()),
            f"since {report.began:%Y-%m-%d %H:%M} UTC",
            "",
        ),
    ]
    return _tag("dl", "".join(_tile(*tile) for tile in tiles), "tiles")


def remains(report: MoveReport) -> str:
    """What is left to do, with commands."""
    if not report.remains:
        return section("What remains", element("p", "Nothing."))
    items = "".join(
        element(
            "li",
            text(step.text) + (":" + element("code", text(step.command)) if step.command else "."),
        )
        for step in report.remains
    )
    return section("What remains", _tag("ul", items, "remains"))


def time_line(report: MoveReport) -> str:
    """Every step and swap as a bar over the length of the move."""
    records = [(step.name, step.began, step.ended, "bar") for step in report.steps] + [
        (
            f"{'rollback' if swap.to == 'source' else 'cutover'} {swap.number}",
            swap.began,
            swap.ended,
            "bar pause",
        )
        for swap in report.swaps
    ]
    records.sort(key=lambda record: record[1])
    bars = [
        charts.Bar(
            name, (began - report.began).total_seconds(), (ended - began).total_seconds(), look
        )
        for name, began, ended, look in records
    ]
    bars = [charts.Bar(b.name, max(b.begin, 0), max(b.seconds, 0), b.look) for b in bars]
    drawn = figure(
        lambda width: charts.bar_chart(bars, name="Steps", width=width),
        "Time since the move began. Swaps are orange.",
    )
    return section("Time line", drawn) if drawn else ""


def measurements(report: MoveReport) -> str:
    """The copy's rate, and lag: while catching up, and once that was done, which is far less."""
    caught = ("verify", "ready", "cutover", "soak", "rollback", "rolled-back")
    late = [sample for sample in report.samples if sample.phase in caught]
    early = [sample for sample in report.samples if sample.phase not in caught]
    rate = _enough(series.copy_rate(report.samples))
    drawn = figure(
        lambda width: charts.line_chart(rate, unit="bytes/s", name="Rate", width=width),
        "Bytes a second. Times are UTC.",
    )
    return (
        (section("Rate of the copy", drawn) if drawn else "")
        + _lag("Lag while catching up", early, [])
        + _lag("Lag once caught up", late, series.pauses(report))
    )


def _lag(title: str, samples: Sequence[Sample], bands: Sequence[charts.Band]) -> str:
    marked = " Orange marks swaps." if bands else ""
    drawn = ""
    for points, unit, caption in (
        (series.lag_bytes(samples), "bytes", "Write-ahead log that the follower had not applied."),
        (series.lag_seconds(samples), "seconds", "How old the follower's latest change was."),
    ):
        chart = charts.line_chart(_enough(points), unit=unit, name=title, width=HALF, bands=bands)
        if chart:
            words = element("figcaption", text(f"{caption}{marked} Times are UTC."))
            drawn += element("figure", chart + words)
    return section(title, _tag("div", drawn, "pair")) if drawn else ""


def _enough(points: Sequence[charts.Point]) -> Sequence[charts.Point]:
    """No points where they are too few to make a line."""
    return points if len(points) > 1 else ()


def swaps(report: MoveReport) -> str:
    """Each swap, the latest first: how long each part of the pause took, and what clients saw."""
    return "".join(_swap(report, swap) for swap in reversed(report.swaps))


def _swap(report: MoveReport, swap: SwapRecord) -> str:
    kind = "Rollback" if swap.to == "source" else "Cutover"
    said = f"Writes waited {wording.duration(swap.pause_seconds)}."
    if not swap.measured:
        said = "How long writes waited is not known: the mover was interrupted in the pause."
    if swap.outcome == "aborted":
        said += f" All was undone: {swap.reason}" + ("" if swap.reason.endswith(".") else ".")
    parts = [element("p", text(said))]
    bars, begin = [], 0.0
    for name, seconds in swap.effects.items():
        bars.append(charts.Bar(EFFECTS.get(name, name), begin, max(seconds, 0)))
        begin += max(seconds, 0)
    limit = float(report.options.get("max_pause", 0)) or None
    caption = "What the pause was spent on, one part after the other."
    if limit is not None:
        caption += f" Past {wording.duration(limit)} all would have been undone."
    parts.append(
        figure(
            lambda width: charts.bar_chart(bars, name="The pause", width=width, limit=limit),
            caption,
        )
    )
    waits = [
        (sample.at, sample.wait_seconds or 0.0) for sample in around(swap, report.samples, AROUND)
    ]
    parts.append(
        figure(
            lambda width: charts.dot_chart(waits, name="Clients' waits", width=width),
            "How long the client that waited longest at a pooler had waited, one mark a look. "
            "Times are UTC.",
        )
    )
    parts += [element("p", text(note)) for note in swap.notes]
    title = f"{kind} {swap.number} to the {swap.to}: {OUTCOMES[swap.outcome]}"
    return section(title, "".join(parts))


def verification(report: MoveReport) -> str:
    """What verification found, with the largest tables and all differences that are listed."""
    found = report.verification
    if found is None:
        return section("Verification", element("p", "No verification has ended."))
    said = (
        f"{wording.count(found.rows)} rows of {wording.counted(found.tables, 'table')} were "
        "compared by counts and hashes that each server computed on its own. "
        f"{wording.counted(found.reread, 'range')} had to be read again, as rows were on their "
        f"way. {wording.counted(found.differences, 'difference')}."
    )
    parts = [element("p", text(said))]
    if found.unverified:
        names = ", ".join(found.unverified[:SHOWN])
        more = len(found.unverified) - SHOWN
        named = f"Not compared: {names}" + (f" and {more:,} more" if more > 0 else "")
        parts.append(element("p", text(named), class_="bad"))
    if found.listed_differences:
        rows = [
            (
                one.table,
                one.kind,
                ", ".join(f"{name} = {value}" for name, value in one.key.items()),
                ", ".join(one.columns),
            )
            for one in found.listed_differences
        ]
        parts.append(_table(("Table", "Difference", "Key", "Columns"), rows))
    if found.listed_tables:
        tables = [
            (t.table, wording.count(t.rows), wording.count(t.differences))
            for t in found.listed_tables
        ]
        heads = ("Table", "Rows", "Differences")
        parts.append(_table(heads, tables[:SHOWN], numbers=2))
        if tables[SHOWN:]:
            folded = _table(heads, tables[SHOWN:], numbers=2)
            title = f"{len(tables) - SHOWN} more of {wording.counted(found.tables, 'table')}"
            parts.append(fold(title, folded))
    return section("Verification", "".join(parts))


def details(report: MoveReport) -> str:
    """Steps, warnings and options: for those who want to know exactly."""
    rows = [
        (
            step.name,
            f"{step.began:%Y-%m-%d %H:%M:%S}",
            wording.duration(step.seconds),
            step.note,
            ", ".join(f"{name} {_figure(name, value)}" for name, value in step.figures.items()),
        )
        for step in report.steps
    ]
    parts = []
    if report.warnings:
        items = "".join(element("li", text(warning)) for warning in report.warnings)
        parts.append(section("Warnings before the move", element("ul", items)))
    if rows:
        heads = ("Step", "Began (UTC)", "Took", "Note", "Figures")
        parts.append(section("Steps", _table(heads, rows)))
    options = [(name, str(value)) for name, value in report.options.items()]
    parts.append(fold("Options of the move", _table(("Option", "Value"), options)))
    return "".join(parts)


def section(title: str, content: str) -> str:
    """A part of the page with its heading."""
    return element("section", element("h2", text(title)) + content) if content else ""


def fold(title: str, content: str) -> str:
    """A part that is shown when its title is chosen, and in print."""
    return element("details", element("summary", text(title)) + content)


def figure(draw: Callable[[int], str], caption: str) -> str:
    """A chart, drawn for wide and for narrow screens, or nothing where nothing was measured."""
    wide, narrow = draw(WIDE), draw(NARROW)
    if not wide:
        return ""
    both = _tag("div", wide, "wide") + _tag("div", narrow, "narrow")
    return element("figure", both + element("figcaption", text(caption)))


def _tile(label: str, value: str, note: str, look: str) -> str:
    content = (
        element("dt", text(label))
        + _tag("dd", text(value), f"value {look}".strip())
        + _tag("dd", text(note), "note")
    )
    return element("div", content)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A table whose last `numbers` columns hold numbers."""
    first = len(heads) - numbers

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            _tag(tag, text(cell), "number") if column >= first else element(tag, text(cell) or " ")
            for column, cell in enumerate(row)
        )

    head = element("thead", element("tr", cells("th", heads)))
    body = element("tbody", "".join(element("tr", cells("td", row)) for row in rows) or " ")
    return _tag("div", element("table", head + body), "scroll")


def _figure(name: str, value: float) -> str:
    unit = name if name in ("bytes", "seconds") else ""
    return wording.in_unit(value, unit)


def _tag(name: str, content: str, look: str) -> str:
    return element(name, content or " ", class_=look)
