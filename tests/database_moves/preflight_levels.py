"""Which verdicts the tests show: each says so itself, and is held to it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from database_moves.errors import MoveError
from database_moves.options import MoveOptions
from database_moves.poolers.pooler import PoolerState
from database_moves.preflight import Report, preflight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from made import Made

    from database_moves.preflight.verdicts import Level

LEADING = PoolerState(paused=False, points_at="source")

SHOWN: dict[str, set[str]] = {}
"""The levels that some test shows, by check."""


def shows(levels: Mapping[str, Level]) -> Callable[[Callable[..., Report]], Callable[..., None]]:
    """Say which verdicts a test ends with; the test returns its report, which must have them."""
    for check, level in levels.items():
        SHOWN.setdefault(check, set()).add(level)

    def decorate(test: Callable[..., Report]) -> Callable[..., None]:
        @functools.wraps(test)
        def wrapped(*arguments: Any, **named: Any) -> None:
            report = test(*arguments, **named)
            seen = {check: level_of(report, check) for check in levels}
            assert seen == dict(levels), [
                verdict for verdict in report.verdicts if verdict.check in levels
            ]

        return wrapped

    return decorate


def level_of(report: Report, check: str) -> str:
    """The worst level among a check's verdicts."""
    return next((v.level for v in report.verdicts if v.check == check), "none")


def look(
    source: Made,
    target: Made,
    *checks: str,
    poolers: Sequence[Any] = (),
    **options: Any,
) -> Report:
    """The mover's preflight of some checks; without a name, of all."""
    return preflight(
        source.as_database("source"),
        target.as_database("target"),
        MoveOptions(**options),
        poolers=poolers,
        only=checks or None,
        sample_seconds=0.2,
    )


def said(report: Report) -> str:
    """All that a report says, as one text to look for names in."""
    return "\n".join(
        f"{verdict.message}\n{verdict.remedy}\n{' '.join(verdict.objects)}"
        for verdict in report.verdicts
    )


def crashed(report: Report) -> list[str]:
    """The checks that failed instead of looking."""
    return [v.check for v in report.verdicts if v.message.startswith("this check failed")]


class Standing:
    """A pooler that answers as it is told to; what a real one answers is its own tests' matter."""

    described = "a pooler at db:6432"

    def __init__(
        self,
        state: PoolerState | MoveError = LEADING,
        doubts: tuple[str, ...] = (),
    ) -> None:
        self._state = state
        self._doubts = doubts

    def check(self, max_pause: float) -> tuple[str, ...]:
        return self._doubts

    def state(self) -> PoolerState:
        if isinstance(self._state, MoveError):
            raise self._state
        return self._state
