"""Shows a move while it runs: bars on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from typing import IO, TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.progress import Progress, Step

PLAIN_SECONDS = 10.0
"""Between two lines of one step, where nobody watches them change."""


@contextlib.contextmanager
def progress_on(stream: IO[str]) -> Iterator[Progress]:
    """What takes reports and shows them on this stream."""
    if stream.isatty():
        with _bars(stream) as shown:
            yield shown
    else:
        yield _Lines(stream)


class _Lines:
    """A line when a step begins, and one each ten seconds while it lasts."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._name = ""
        self._at = 0.0

    def __call__(self, step: Step) -> None:
        """Take one report."""
        now = time.monotonic()
        if step.name == self._name and now - self._at < PLAIN_SECONDS:
            return
        if step.name == self._name or not step.unit:
            typer.echo(f"{step.name}{described(step)}", file=self._stream)
        self._name, self._at = step.name, now


def described(step: Step) -> str:
    """How far a step is, as text that follows its name."""
    parts = []
    if step.total:
        parts.append(f"{100 * step.done / step.total:.0f} %")
    elif step.done:
        parts.append(f"{step.done:,.0f} {step.unit}")
    if step.detail:
        parts.append(step.detail)
    return f": {', '.join(parts)}" if parts else ""


@contextlib.contextmanager
def _bars(stream: IO[str]) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    class Plain(TextColumn):
        """Text of a task as it is: names of tables are no markup."""

        def render(self, task: Any) -> Text:
            return Text(str(task.fields.get("detail", "")), style="dim", no_wrap=True)

    bars = Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        Plain(""),
        console=Console(file=stream, highlight=False),
    )
    tasks: dict[str, TaskID] = {}

    def show(step: Step) -> None:
        if step.name not in tasks:
            for task in tasks.values():
                bars.stop_task(task)
                bars.update(task, total=1, completed=1, detail="")
            tasks[step.name] = bars.add_task(step.name, total=step.total, detail="")
        bars.update(
            tasks[step.name], completed=step.done, total=step.total, detail=described(step)[2:]
        )

    with bars:
        yield show
