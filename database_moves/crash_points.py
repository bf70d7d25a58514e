"""Places where a test may have the process killed, to see that nothing is lost there."""

from __future__ import annotations

import os
import signal

VARIABLE = "PATCHWORKS_TEST_KILL_AT"
"""`name` or `name:count`: the process kills itself when it comes there the count-th time."""

_reached: dict[str, int] = {}


def reached(name: str) -> None:
    """Say that a place is reached; without the variable this does nothing."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    _reached[name] = _reached.get(name, 0) + 1
    place, _, count = wanted.partition(":")
    if place == name and _reached[name] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
