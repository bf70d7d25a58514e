"""How long work says how far it is, to whoever wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Step:
    """How far one step is.

    `done` and `total` are in `unit` (`bytes`, `rows`, `tables`, `indexes`); `total` is None where
    nobody can know it. `detail` names what is being worked on.
    """

    name: str
    done: float
    total: float | None
    unit: str
    detail: str = ""


class Progress(Protocol):
    """Takes reports; called from any thread, some times a second at most."""

    def __call__(self, step: Step) -> None:
        """Take one report."""


def silent(step: Step) -> None:
    """Let a step go by unseen."""
