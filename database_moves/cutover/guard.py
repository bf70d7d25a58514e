"""The guard's process: it settles the swap if the mover dies or is late."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import sys
import time
from typing import TYPE_CHECKING

from database_moves.cutover import protocol
from database_moves.cutover.guarding import LENGTH
from database_moves.cutover.world import RealWorld
from database_moves.state import now

if TYPE_CHECKING:
    from database_moves.cutover.protocol import News
    from database_moves.cutover.swap import Swap

SLACK_SECONDS = 1.0
"""After the limit the mover has this long to undo the swap itself."""


class Ear:
    """Hears what the mover says through the pipe, or that it is gone."""

    def __init__(self, deadline: float | None = None) -> None:
        self._deadline = deadline
        self._heard = b""

    def line(self) -> str | None:
        """The next line, or None when the mover is gone."""
        while b"\n" not in self._heard:
            chunk = os.read(0, 4096)
            if not chunk:
                return None
            self._heard += chunk
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def wait_until(self, deadline: float) -> None:
        """What is not said by this instant is late; once."""
        self._deadline = deadline

    def news(self) -> News:
        """Wait for what the guard must know next."""
        while b"\n" not in self._heard:
            left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            if not select.select([0], [], [], left)[0]:
                self._deadline = None
                return "late"
            chunk = os.read(0, 4096)
            if not chunk:
                return "gone"
            self._heard += chunk
        return "done"


def main() -> int:
    """Guard one swap; the exit code is 0 unless it could not be settled."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    (length,) = LENGTH.unpack(_read(LENGTH.size))
    swap: Swap = pickle.loads(_read(length))  # noqa: S301 - from the mover that started it
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    ear = Ear()
    began = ear.line()
    if began is None or began == "done":
        return 0
    epoch, seconds = began.split()
    ear.wait_until(time.monotonic() + float(seconds) + SLACK_SECONDS)
    try:
        stand = protocol.guard(RealWorld(swap), int(epoch), ear.news)
    except protocol.UnreachableError as fault:
        _note(f"the swap could not be settled: {fault}; the next run of the move does it")
        return 1
    if stand is not None:
        _note(f"settled the swap of epoch {epoch}: {stand.value}")
    return 0


def guard(mover: int) -> int:
    """The same for a process that the mover's nursery has forked."""
    del mover
    return main()


def _read(length: int) -> bytes:
    content = b""
    while len(content) < length:
        chunk = os.read(0, length - len(content))
        if not chunk:
            raise SystemExit(0)
        content += chunk
    return content


def _note(text: str) -> None:
    sys.stderr.write(f"{now():%Y-%m-%d %H:%M:%S} UTC {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
