"""Shows a rehearsal while it runs: a live line on a terminal, a plain line a stack elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import IO, TYPE_CHECKING, Self

import typer

if TYPE_CHECKING:
    from types import TracebackType

    from rehearsal.outcome import Event, Outcome

_VERBS = {
    "create": "created",
    "import": "taken over",
    "update": "changed",
    "replace": "replaced",
    "delete": "deleted",
    "retain": "let go",
    "keep": "kept",
    "same": "unchanged",
}


def summary(counts: Counter[str], simulated: int = 0) -> str:
    """Counts in words: `12 created, 3 unchanged (2 simulated)`."""
    parts = [f"{counts[key]} {verb}" for key, verb in _VERBS.items() if counts[key]]
    text = ", ".join(parts) or "nothing to do"
    return f"{text} ({simulated} simulated)" if simulated else text


class PlainProgress:
    """One line when a stack is done, for pipes and logs."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is left open."""

    def stack_begins(self, stack: str, *, removed: bool) -> None:
        """Say what begins, as the first stack of a fresh cloud takes a while."""
        if removed:
            typer.echo(f"{stack} is gone from the catalog and is torn down", file=self._stream)

    def resource_done(self, event: Event) -> None:
        """Say nothing: a line a resource would bury the story."""

    def stack_ends(self, outcome: Outcome) -> None:
        """Say what became of the stack."""
        typer.echo(
            f"{outcome.stack}: {summary(outcome.counts(), outcome.simulated())}, "
            f"{outcome.seconds:.1f} s",
            file=self._stream,
        )


class LiveProgress(PlainProgress):
    """The same, and below it a live line with the resource under way."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        from rich.console import Console
        from rich.status import Status

        self._console = Console(file=stream, highlight=False)
        self._status = Status("starting the local cloud", console=self._console)
        self._stack = ""
        self._counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()

    def stack_begins(self, stack: str, *, removed: bool) -> None:
        """Show the stack that begins."""
        self._stack = stack
        self._counts.clear()
        verb = "tearing down" if removed else "applying"
        self._status.update(f"{verb} [bold]{stack}[/bold]")

    def resource_done(self, event: Event) -> None:
        """Show the resource and the counts so far."""
        self._counts[event.operation] += 1
        self._status.update(
            f"[bold]{self._stack}[/bold]  {summary(self._counts)}  [dim]{event.name}[/dim]"
        )

    def stack_ends(self, outcome: Outcome) -> None:
        """Leave a line behind for the stack."""
        self._console.print(
            f"[bold]{outcome.stack}[/bold]  "
            f"{summary(outcome.counts(), outcome.simulated())}  [dim]{outcome.seconds:.1f} s[/dim]"
        )


def observer_for(stream: IO[str]) -> PlainProgress:
    """Progress that suits the stream."""
    return LiveProgress(stream) if stream.isatty() else PlainProgress(stream)
