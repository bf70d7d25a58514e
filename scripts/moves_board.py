"""Shows the queue of moves: once, or again and again until nothing is left in it."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from scripts.catalog_options import print_json
from scripts.exits import ExitCode
from scripts.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from tenant_moves.fleet.board import Board, Entry

WATCH_SECONDS = 1.0
COLUMNS = ("Tenant", "From", "To", "State", "Seconds", "Paused", "Worker", "What")
FEWEST_ROWS = 8


def show(url: str, tenants: Sequence[str], *, watch: bool, as_json: bool) -> None:
    """Print the board; with `watch` until nothing is left, then exit code 1 for who is missing."""
    from tenant_moves.fleet import board, queues

    with queues.opened(url) as client:

        def look() -> Board:
            found = board.read(client, url)
            chosen = tuple(board.of_tenants(found, tenants).values())
            return found.model_copy(update={"entries": chosen})

        found = _watched(look) if watch else look()
    if as_json:
        print_json(
            found.model_dump(mode="json")
            | {"counts": found.count(), "longest_pause_seconds": _longest(found)}
        )
    elif not watch:
        typer.echo(_limits(found))
        if found.entries:
            print_table(COLUMNS, [_row(entry) for entry in found.entries])
        typer.echo(_summary(found))
    bad = [entry for entry in found.entries if entry.state in board.BAD]
    if watch and bad:
        for entry in bad:
            said = entry.result.text if entry.result else ""
            typer.echo(f"{entry.order.tenant}: {entry.state}: {said}", err=True)
        raise typer.Exit(ExitCode.FAULTS)


def _watched(look: Callable[[], Board]) -> Board:
    if sys.stderr.isatty():
        return _live(look)
    said = ""
    while True:
        found = look()
        summary = _summary(found)
        if summary != said:
            typer.echo(f"{datetime.now(UTC):%H:%M:%S} {summary}", err=True)
            said = summary
        if not found.open:
            return found
        time.sleep(WATCH_SECONDS)


def _live(look: Callable[[], Board]) -> Board:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    with Live(console=console, refresh_per_second=2, transient=False) as live:
        while True:
            found = look()
            live.update(_drawn(found, max(FEWEST_ROWS, console.size.height - 6)))
            if not found.open:
                return found
            time.sleep(WATCH_SECONDS)


def _drawn(found: Board, rows: int) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, column in enumerate(COLUMNS):
        table.add_column(column.upper(), no_wrap=True, overflow="ellipsis" if number else "fold")
    for entry in found.entries[:rows]:
        table.add_row(*map(Text, _row(entry)))
    more = len(found.entries) - rows
    rest = [Text(f"... and {more} more")] if more > 0 else []
    return Group(Text(_limits(found)), table, *rest, Text(_summary(found)))


def _row(entry: Entry) -> tuple[str, ...]:
    paused = entry.result.pause_seconds if entry.result is not None else None
    return (
        entry.order.tenant,
        entry.order.source,
        entry.order.target,
        entry.state,
        _seconds(entry),
        "" if paused is None else f"{paused:.2f} s",
        entry.worker or "",
        _what(entry),
    )


def _seconds(entry: Entry) -> str:
    if entry.began is None or entry.state in ("queued", "waiting", "paused", "cancelled"):
        return ""
    return f"{((entry.ended or datetime.now(UTC)) - entry.began).total_seconds():.0f}"


def _what(entry: Entry) -> str:
    if entry.result is not None:
        return entry.result.text
    if entry.step is None:
        return "for its place at the target" if entry.state == "waiting" else ""
    part = f" {100 * entry.done / entry.total:.0f} %" if entry.total else ""
    again = f", taken {entry.taken} times" if entry.taken > 1 else ""
    return f"{entry.step}{part}{again}"


def _limits(found: Board) -> str:
    limits = found.limits
    workers = ", ".join(found.workers) or "none"
    return (
        f"{'Paused' if found.paused else 'Open'}; at once {limits.per_source} from a server, "
        f"{limits.per_target} to a server, {limits.per_worker} by a worker; workers: {workers}"
    )


def _summary(found: Board) -> str:
    counts = ", ".join(f"{number} {state}" for state, number in found.count().items())
    longest = _longest(found)
    pause = "" if longest is None else f"; writes waited {longest:.2f} s at most"
    return (counts or "nobody is in the queue") + pause


def _longest(found: Board) -> float | None:
    pauses = [
        entry.result.pause_seconds
        for entry in found.entries
        if entry.result is not None and entry.result.pause_seconds is not None
    ]
    return max(pauses, default=None)
