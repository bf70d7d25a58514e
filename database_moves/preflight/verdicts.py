"""What a preflight says: verdicts with remedies, and the report they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from database_moves.errors import RefusedError

Level = Literal["fine", "warning", "refused"]

LEVELS: tuple[Level, ...] = ("refused", "warning", "fine")
"""The worst first, as people want to read them."""

NAMED = 5
"""Objects that a message names; the verdict's `objects` has them all."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check has found."""

    level: Level
    message: str
    remedy: str | None = None
    """Exact SQL or settings, one a line, or None where nothing is to be done."""
    objects: tuple[str, ...] = ()
    """All that it concerns, by name; a message names a few."""


@dataclass(frozen=True)
class Verdict:
    """A finding with the name of the check it comes from."""

    check: str
    level: Level
    message: str
    remedy: str | None
    objects: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """`check`, `level`, `message`, `remedy` (null where there is none) and `objects`."""
        return {
            "check": self.check,
            "level": self.level,
            "message": self.message,
            "remedy": self.remedy,
            "objects": list(self.objects),
        }


@dataclass(frozen=True)
class Report:
    """All verdicts of one preflight, the worst first."""

    source: str
    """Host, port and database, without a credential."""
    target: str
    verdicts: tuple[Verdict, ...]
    seconds: float

    @property
    def refused(self) -> bool:
        """Whether a move must not begin."""
        return any(verdict.level == "refused" for verdict in self.verdicts)

    def at(self, level: Level) -> tuple[Verdict, ...]:
        """The verdicts of one level."""
        return tuple(verdict for verdict in self.verdicts if verdict.level == level)

    def to_json(self) -> dict[str, Any]:
        """The report as data.

        `source` and `target` (addresses), `refused` (bool), `seconds`, `counts` (a number for each
        of `refused`, `warning`, `fine`) and `verdicts` (as `Verdict.to_json`, the worst first).
        """
        return {
            "source": self.source,
            "target": self.target,
            "refused": self.refused,
            "seconds": round(self.seconds, 3),
            "counts": {level: len(self.at(level)) for level in LEVELS},
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
        }


class PreflightRefusedError(RefusedError):
    """The preflight found what would stop the move; `report` says what and how to mend it."""

    def __init__(self, report: Report) -> None:
        refused = sum(verdict.level == "refused" for verdict in report.verdicts)
        super().__init__(f"the preflight refuses the move for {refused} reasons")
        self.report = report


def fine(message: str) -> Finding:
    """Nothing to do."""
    return Finding("fine", message)


def warning(message: str, remedy: str | None = None, objects: tuple[str, ...] = ()) -> Finding:
    """A move works, but a person should know this first."""
    return Finding("warning", message, remedy, objects)


def refused(message: str, remedy: str | None = None, objects: tuple[str, ...] = ()) -> Finding:
    """A move would fail or lose something."""
    return Finding("refused", message, remedy, objects)


def named(objects: tuple[str, ...] | list[str]) -> str:
    """A few of the objects' names, and how many more there are."""
    shown = ", ".join(objects[:NAMED])
    return shown if len(objects) <= NAMED else f"{shown} and {len(objects) - NAMED} more"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """A number and its noun, such as `2 tables`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def in_bytes(size: float) -> str:
    """A size for people, in powers of 1024."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def in_seconds(seconds: float) -> str:
    """A duration for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
