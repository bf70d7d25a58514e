"""The checks of a preflight by name; importing `checks` fills the registry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from database_moves.preflight.verdicts import Finding

if TYPE_CHECKING:
    from database_moves.database import Side
    from database_moves.preflight.situation import Situation

Look = Callable[["Situation"], Iterable[Finding]]

_NAME = re.compile(r"[a-z]+\.[a-z]+(-[a-z]+)*")


@dataclass(frozen=True)
class Check:
    """One question asked before a move."""

    name: str
    """Topic and question, such as `tables.replica-identity`; scripts rely on it."""
    look: Look
    fine: str
    """What is true when the check finds nothing."""
    needs: tuple[Side, ...]
    """The sides that it cannot do without."""

    @property
    def why(self) -> str:
        """Why it matters."""
        return self.look.__doc__ or ""


CHECKS: dict[str, Check] = {}


def check(
    name: str, *, fine: str, needs: tuple[Side, ...] = ("source", "target")
) -> Callable[[Look], Look]:
    """Register a function that yields what it finds, or nothing where all is well."""

    def register(look: Look) -> Look:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} names no check: topic.question, in lowercase and hyphens")
        if name in CHECKS:
            raise ValueError(f"two checks are named {name}")
        CHECKS[name] = Check(name, look, fine, needs)
        return look

    return register
