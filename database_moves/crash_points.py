"""Places where a test may have the process killed or held, to see that nothing is lost there."""

from __future__ import annotations

import os
import signal
from pathlib import Path

VARIABLE = "PATCHWORKS_TEST_KILL_AT"
"""Where to kill, and whom: the process kills itself, and with `!` its mover too if it is a worker.

`name` or `name:count`: when it comes there the count-th time. `@file`: at the first place that the
file does not list, which is added to it: one that is run again and again is killed at each once.
"""

HOLD_VARIABLE = "PATCHWORKS_TEST_HOLD_IN"
"""A directory: a process that comes to a place renames the file of its name, so that it ends in
the process's id, and stops until it is told to go on."""

_reached: dict[str, int] = {}
_movers: list[int] = []


def work_for(mover: int) -> None:
    """Say whose worker this process is."""
    _movers.append(mover)


def reached(name: str) -> None:
    """Say that a place is reached; without the variables this does nothing."""
    held = os.environ.get(HOLD_VARIABLE)
    if held is not None:
        _hold(Path(held) / name)
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    if wanted.startswith("@"):
        if _listed(Path(wanted[1:]), name):
            return
    else:
        _reached[name] = _reached.get(name, 0) + 1
        place, _, count = wanted.removesuffix("!").partition(":")
        if place != name or _reached[name] != int(count or 1):
            return
    if wanted.startswith("@") or wanted.endswith("!"):
        for mover in _movers:
            os.kill(mover, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _listed(file: Path, name: str) -> bool:
    known = file.read_text().splitlines() if file.exists() else []
    if name in known:
        return True
    with file.open("a") as listing:
        listing.write(f"{name}\n")
    return False


def _hold(file: Path) -> None:
    try:
        file.rename(file.with_name(f"{file.name}.{os.getpid()}"))
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP)
