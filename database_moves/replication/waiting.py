"""Waiting for a server to reach a state, until an instant of the monotonic clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def until(reached: Callable[[], bool], deadline: float, *, pause: float = 0.02) -> bool:
    """Ask again and again, `pause` seconds apart; whether it was reached by the deadline."""
    while not reached():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True
