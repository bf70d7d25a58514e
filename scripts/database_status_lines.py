"""What a move's status says in words: facts with their labels, or all in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.report import wording

if TYPE_CHECKING:
    from database_moves.status.document import (
        Following,
        Made,
        Mover,
        MoveStatus,
        SideNow,
        StepNow,
    )

Fact = tuple[str, tuple[str, ...]]

BAR = 24
"""Letters of the bar of a step whose length is known."""


def facts(status: MoveStatus) -> list[Fact]:
    """Labels, each with one line or more."""
    shown: list[Fact] = [
        ("move", (status.move,)),
        ("from", (_place(status.source),)),
        ("to", (_place(status.target),)),
        ("phase", (status.phase,)),
        ("serving", serving(status)),
        ("mover", (mover(status.mover),)),
    ]
    if status.step is not None:
        shown.append(("step", step(status.step)))
    if status.following is not None:
        shown.append(("lag", lag(status.following)))
    for name, side in (("source", status.source), ("target", status.target)):
        if side.answers is not None:
            shown.append((name, _answer(side)))
    if status.verification is not None:
        found = status.verification
        rows, tables = wording.count(found.rows), wording.counted(found.tables, "table")
        shown.append(("verified", (f"{rows} rows in {tables}, {found.ended:%Y-%m-%d %H:%M} UTC",)))
    if status.swap is not None:
        kind = "rollback" if status.swap.to == "source" else "cutover"
        outcome = "done" if status.swap.outcome == "done" else f"undone: {status.swap.reason}"
        waited = f"writes waited {wording.duration(status.swap.pause_seconds)}"
        if not status.swap.measured:
            waited = "its mover was interrupted, so how long writes waited is not known"
        shown.append((kind, (f"{outcome}; {waited}",)))
    if status.error is not None:
        shown.append(("error", (status.error,)))
    shown.append(("next", tuple(_to_do(one.text, one.command) for one in status.next) or ("-",)))
    shown.append(("as of", (_as_of(status),)))
    return shown


def line(status: MoveStatus) -> str:
    """All that changes while a move runs, in one line."""
    parts = [status.phase, f"{status.serving or 'nobody'} serves"]
    if status.step is not None:
        parts.append(f"{status.step.name} {', '.join(progress(status.step))}".rstrip())
    if status.following is not None:
        parts.append(f"lag {lag(status.following)[0]}")
    parts += [
        f"the {name} does not answer"
        for name, side in (("source", status.source), ("target", status.target))
        if side.answers is False
    ]
    parts += [
        f"waiting on the {name}: {holder}"
        for name, side in (("source", status.source), ("target", status.target))
        for holder in side.held_up
    ]
    if status.mover.running is False:
        parts.append("no mover runs")
    if status.error is not None:
        parts.append(f"error: {status.error}")
    return "; ".join(parts)


def serving(status: MoveStatus) -> tuple[str, ...]:
    """Who serves, and how that is known."""
    if status.serving is None:
        return (status.serving_note,)
    side = status.source if status.serving == "source" else status.target
    how = "by the gates" if status.serving_from == "gates" else "by what was stored"
    note = f"; {status.serving_note}" if status.serving_note else ""
    return (f"{status.serving}, {side.address} ({how}{note})",)


def mover(found: Mover) -> str:
    """Whether somebody works on it."""
    heard = ""
    if found.heard_seconds is not None:
        heard = f"measured something {wording.duration(found.heard_seconds)} ago"
    if found.running:
        return f"at work: {found.described}"
    if found.running is False:
        other = f"; another move's has the lease: {found.described}" if found.described else ""
        return f"none runs{other}"
    return f"not known without a server{'; one ' + heard if heard else ''}"


def step(found: StepNow) -> tuple[str, ...]:
    """How far the step under way is: two lines where its length is known."""
    said = ", ".join(progress(found))
    lines = [f"{found.name}{': ' + said if said else ''}"]
    if found.total:
        full = round(BAR * min(1.0, found.done / found.total))
        lines.append(f"[{'#' * full}{'.' * (BAR - full)}]")
    if found.detail:
        lines.append(found.detail)
    return tuple(lines)


def progress(found: StepNow) -> list[str]:
    """Share, amount, rate and time left."""
    if not found.total:
        return [wording.in_unit(found.done, found.unit)] if found.done else []
    parts = [
        f"{100 * found.done / found.total:.0f} %",
        f"{wording.in_unit(found.done, found.unit)} of {wording.in_unit(found.total, found.unit)}",
    ]
    if found.rate:
        parts.append(f"{wording.in_unit(found.rate, found.unit)}/s")
    if found.seconds_left is not None:
        parts.append(f"{wording.duration(found.seconds_left)} left")
    return parts


def lag(found: Following) -> tuple[str, ...]:
    """How far the follower is behind, and whether it comes nearer; then what is wrong with it."""
    parts = []
    if found.lag_bytes is not None:
        parts.append(wording.size(found.lag_bytes))
    if found.lag_seconds is not None:
        parts.append(wording.duration(found.lag_seconds))
    text = ", ".join(parts) or "not known"
    if found.trend == "nearer":
        left = found.seconds_left
        text += ", coming nearer" + (f", {wording.duration(left)} left" if left else "")
    elif found.trend == "away":
        text += ", falling behind"
        if found.written_rate is not None and found.applied_rate is not None:
            text += (
                f" ({wording.size(found.written_rate)}/s written, "
                f"{wording.size(found.applied_rate)}/s applied)"
            )
    elif found.trend == "level":
        text += ", keeping up"
    text += f" (the {found.follower} follows)"
    if found.measured == "stored":
        text += f", at {found.at:%H:%M:%S} UTC"
    return (text, *found.faults)


def _answer(side: SideNow) -> tuple[str, ...]:
    if side.error is not None:
        return (f"does not answer: {side.error}",)
    gate = f"answers; its gate is {side.gate or 'gone or not made yet'}"
    waits = (f"the mover waits here: {holder}" for holder in side.held_up)
    return (gate, *waits, *map(_made, side.made))


def _made(made: Made) -> str:
    parts = [f"{made.kind} {made.name}"]
    if made.kind == "slot":
        parts.append("in use" if made.active else "not in use")
        parts.append(made.wal_status or "")
        if made.retained_bytes is not None:
            parts.append(f"keeps {wording.size(made.retained_bytes)} of WAL")
    elif made.kind == "subscription":
        parts.append("enabled" if made.active else "disabled")
    return ", ".join(filter(None, parts))


def _place(side: SideNow) -> str:
    return f"{side.address} ({wording.server(side.server_version)})"


def _to_do(text: str, command: str | None) -> str:
    return f"{text}: {command}" if command else text


def _as_of(status: MoveStatus) -> str:
    asked = [
        name
        for name, side in (("source", status.source), ("target", status.target))
        if side.answers is not None
    ]
    if len(asked) == 2:
        return f"{status.at:%Y-%m-%d %H:%M:%S} UTC, both servers asked"
    missing = "--source and --target" if not asked else "--source" if asked[0] == "target" else ""
    missing = missing or "--target"
    return f"{status.at:%Y-%m-%d %H:%M:%S} UTC, as stored; give {missing} to ask the servers"
