"""Tells a delivery in words: as it goes on, and why it stopped."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from scripts.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Log:
    """Tells a delivery line by line, on standard error."""

    def says(self, text: str) -> None:
        """Something that a reader of the log should know."""
        typer.echo(f"patchworks: {text}", err=True)

    def stack_begins(self, stack: str) -> None:
        """A stack is about to be brought up."""
        typer.echo(f"  {stack} ...", err=True)

    def stack_ends(self, stack: str, seconds: float, changes: Mapping[str, int]) -> None:
        """A stack has been brought up."""
        counted = ", ".join(f"{count} {name}" for name, count in sorted(changes.items()))
        typer.echo(f"  {stack} done after {seconds:.1f} s: {counted or 'nothing'}", err=True)

    def stack_fails(self, stack: str, problem: str) -> None:
        """A stack could not be brought up."""
        typer.echo(f"  {stack} failed: {problem}", err=True)


@contextmanager
def explained() -> Iterator[None]:
    """Turns what stops a delivery into words and an exit code."""
    from delivery.bringing import StoppedError
    from delivery.checkout import RefusedError
    from delivery.engine import EngineError

    try:
        yield
    except (RefusedError, StoppedError) as error:
        typer.echo(f"patchworks: {error.problem}", err=True)
        if error.remedy:
            typer.echo(f"patchworks: to go on: {error.remedy}", err=True)
        refused = isinstance(error, RefusedError)
        raise typer.Exit(ExitCode.REFUSED if refused else ExitCode.FAULTS) from None
    except (EngineError, LookupError) as error:
        # Without the organization's tables nothing can be recorded, and so nothing begun.
        typer.echo(f"patchworks: {error}", err=True)
        raise typer.Exit(ExitCode.REFUSED) from None
