"""What a swap is given from outside: poolers, and whoever else must know which side serves."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from database_moves.errors import MoveError

if TYPE_CHECKING:
    from database_moves.database import Side

SERVING_VARIABLE = "PATCHWORKS_SERVING"
MOVE_VARIABLE = "PATCHWORKS_MOVE"


class SwitchHook(Protocol):
    """Points what is no pooler at a side: a DNS record, a ledger, a secret.

    It is called in the pause, and again with the other side when all is undone; the same side twice
    must be harmless. A guard takes it along into its own process, so it can be pickled.
    """

    def __call__(self, serving: Side, timeout: float) -> None:
        """Point at that side within so many seconds; whatever it raises undoes the swap."""


@dataclass(frozen=True)
class SwitchCommand:
    """A shell command that is told the side in its environment, and no credential."""

    command: str
    move: str

    def __call__(self, serving: Side, timeout: float) -> None:
        """Run it; raises `MoveError` where it fails or takes longer."""
        # Its own process group, so that what it started ends with it.
        process = subprocess.Popen(  # noqa: S602 - the operator's own command line
            self.command,
            shell=True,
            env=_environment() | {SERVING_VARIABLE: serving, MOVE_VARIABLE: self.move},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            _, said = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise MoveError(f"the switch command took longer than {timeout:.1f} s") from None
        if process.returncode != 0:
            last = said.strip().splitlines()[-1:] or ["it said nothing"]
            raise MoveError(f"the switch command ended with {process.returncode}: {last[0][:200]}")


def _environment() -> dict[str, str]:
    """This process's environment without what it was told in confidence."""
    hidden = ("PATCHWORKS_", "PGPASS", "PGSSLKEY")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
