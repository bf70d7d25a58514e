"""Shows how a move stands: once, or again each second while somebody watches."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

import typer

from scripts.catalog_options import print_json
from scripts.database_status_lines import facts, line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from rich.table import Table

    from database_moves.status.document import MoveStatus

LOOK_SECONDS = 1.0

QUIET_SECONDS = 10.0
"""Between two lines of a watched move that say the same."""


def show_status(
    name: str,
    source: str | None,
    target: str | None,
    state: Path | None,
    *,
    watch: bool,
    as_json: bool,
) -> None:
    """How a move stands, by both servers where they are given, else by what is stored."""
    found = _looks(name, source, target, state)
    if not watch:
        with contextlib.closing(found):
            status = next(found)
        if as_json:
            print_json(status.model_dump(mode="json"))
        else:
            typer.echo(_text(status))
        return
    # Watching ends by Ctrl-C as a rule, which is then no fault.
    with contextlib.closing(found), contextlib.suppress(KeyboardInterrupt):
        if as_json:
            for status in found:
                typer.echo(status.model_dump_json())
                sys.stdout.flush()
        elif sys.stdout.isatty():
            _live(found)
        else:
            _lines(found)


def _looks(
    name: str, source: str | None, target: str | None, state: Path | None
) -> Generator[MoveStatus, None, None]:
    """A look a second, until nothing will change any more."""
    from database_moves import durable
    from database_moves.status.looking import Look
    from scripts.database_options import database

    here = database(source, "source") if source else None
    there = database(target, "target") if target else None
    with durable.reading(durable.store_url(state)) as client:
        look = Look(client, name, here, there)
        while True:
            status = look.status()
            if status is None:
                raise typer.BadParameter(
                    f"there is no move {name}; `patchworks database status` lists them"
                )
            yield status
            if status.over:
                return
            time.sleep(LOOK_SECONDS)


def _text(status: MoveStatus) -> str:
    shown = facts(status)
    width = max(len(label) for label, _ in shown)
    return "\n".join(
        f"  {(label if not number else '').ljust(width)}  {value}"
        for label, values in shown
        for number, value in enumerate(values)
    )


def _lines(found: Iterator[MoveStatus]) -> None:
    """A line whenever something has changed that a person would want to know, and now and then."""
    last, said = "", 0.0
    for status in found:
        text = line(status)
        now = time.monotonic()
        if text != last or now - said >= QUIET_SECONDS:
            typer.echo(f"{status.at:%H:%M:%S}  {text}")
            sys.stdout.flush()
            last, said = text, now


def _live(found: Iterator[MoveStatus]) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for status in found:
            live.update(_table(status), refresh=True)


def _table(status: MoveStatus) -> Table:
    from rich.table import Table
    from rich.text import Text

    from database_moves.report import wording

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for label, values in facts(status):
        # Text, not str: an error may have brackets, which are no markup.
        table.add_row(f"  {label}", Text("\n".join(map(wording.visible, values))))
    return table
