"""Shows a preflight's report to people: in colour on a terminal, plain lines in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.verdicts import LEVELS, counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from database_moves.preflight.verdicts import Level, Report, Verdict

_STYLES: dict[Level, str] = {"refused": "bold red", "warning": "yellow", "fine": "green"}
_MARKS: dict[Level, str] = {"refused": "refused", "warning": "warning", "fine": "fine"}
_WIDTH = max(map(len, _MARKS.values()))
_REMEDY_LINES = 12
"""Lines of a remedy that are shown; the JSON form has them all."""


def render(report: Report, console: Console | None = None) -> None:
    """Print what is refused first, then warnings, both with remedies, then a line for each rest."""
    from rich.console import Console
    from rich.text import Text

    # A remedy is copied and a line is searched for, so the terminal alone wraps them.
    console = console or Console(highlight=False, markup=False, soft_wrap=True)
    console.print(Text(f"{report.source} to {report.target}", style="bold"), soft_wrap=True)
    for level in LEVELS:
        for verdict in report.at(level):
            for line in _lines(verdict):
                console.print(line, soft_wrap=True)
    console.print(Text(summary(report), style="bold"), soft_wrap=True)


def summary(report: Report) -> str:
    """The last line: how many of each level, and whether a move may begin."""
    numbers = ", ".join(
        f"{len(report.at(level))} {level}"
        if level != "warning"
        else counted(len(report.at(level)), "warning")
        for level in LEVELS
    )
    verdict = "a move is refused" if report.refused else "a move may begin"
    return f"{verdict}: {numbers} ({report.seconds:.1f} s; nothing was changed)"


def _lines(verdict: Verdict) -> list[Text]:
    from rich.text import Text

    mark = _MARKS[verdict.level].ljust(_WIDTH)
    lines = [Text.assemble((mark, _STYLES[verdict.level]), f"  {verdict.check}  ", verdict.message)]
    if verdict.level != "fine" and verdict.remedy:
        remedy = verdict.remedy.splitlines()
        more = len(remedy) - _REMEDY_LINES
        if more > 1:
            remedy = [*remedy[:_REMEDY_LINES], f"... and {more} more lines, which --json shows"]
        indent = " " * (_WIDTH + 4)
        lines += [Text(indent + line, style="dim") for line in remedy]
    return lines
