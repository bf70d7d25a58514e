"""A text that never gets longer than it may: what does not fit is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_RESERVE = 1000
"""Bytes kept for the closing lines."""


class Budget:
    """Takes lines in the order of their importance, as long as they fit."""

    def __init__(self, most: int) -> None:
        self._left = most - _RESERVE
        self._parts: list[str] = []
        self.left_out: dict[str, int] = {}
        """How many items of each section there was no room for."""

    def say(self, text: str) -> bool:
        """Add a line; returns whether it fitted."""
        size = len(text.encode()) + 1
        if size > self._left:
            return False
        self._left -= size
        self._parts.append(text)
        return True

    def section(
        self,
        name: str,
        opening: str,
        items: Iterable[str],
        closing: str = "",
        most: int | None = None,
    ) -> None:
        """Add a section with as many of its items as fit, in their order; `most` in bytes."""
        waiting = list(items)
        if not waiting:
            return
        frame = len(opening.encode()) + len(closing.encode()) + 4
        if frame + len(waiting[0].encode()) + 1 > self._left:
            self._leave(name, len(waiting))
            return
        self._left -= frame
        self._parts.append(opening)
        least = self._left - most if most is not None else 0
        for number, item in enumerate(waiting):
            if self._left - len(item.encode()) < least or not self.say(item):
                self._leave(name, len(waiting) - number)
                break
        if closing:
            self._parts.append(closing)
        self._parts.append("")

    def close(self, text: str) -> str:
        """All that was added, then a text for which room is always left."""
        return "\n".join([*self._parts, text[:_RESERVE]]) + "\n"

    def _leave(self, name: str, number: int) -> None:
        self.left_out[name] = self.left_out.get(name, 0) + number
