"""Tables for people: fitted to a terminal, and in a pipe plain lines that nothing cuts short."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows below their columns' headings.

    On a terminal long cells fold within their column. In a pipe each row is one line, however
    long, with columns two spaces apart, so that grep and awk see whole names.
    """
    rows = [list(row) for row in rows]
    if sys.stdout.isatty():
        _print_folding(columns, rows)
        return
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in ([column.upper() for column in columns], *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print labels and their values, one pair a line."""
    facts = list(facts)
    width = max(len(label) for label, _ in facts)
    for label, value in facts:
        typer.echo(f"  {label.ljust(width)}  {value}")


def _print_folding(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, column in enumerate(columns):
        # The first column is what people copy into the next command.
        table.add_column(
            column.upper(), overflow="fold", no_wrap=number == 0, min_width=len(column)
        )
    for row in rows:
        # Text, not str: a customer's name in brackets is no markup.
        table.add_row(*map(Text, row))
    Console(highlight=False).print(table)
