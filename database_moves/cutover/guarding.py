"""Starts the guard of a swap, a process that settles it when the mover can't."""

from __future__ import annotations

import contextlib
import pickle
import select
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

from database_moves import nursery
from database_moves.errors import MoveError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from database_moves.cutover.swap import Swap

START_SECONDS = 60.0
LENGTH = struct.Struct("!Q")
_PROGRAM = "database_moves.cutover.guard:guard"


class Guard:
    """The mover's end of the pipe to its guard.

    The guard is told everything through the pipe, so that no credential is in its arguments or its
    environment. It outlives a mover that is killed, and Ctrl-C in the mover's terminal.
    """

    def __init__(self, swap: Swap, directory: Path) -> None:
        """`directory` gets the guard's log, which holds no credential."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (directory / "guard.log").open("ab") as log:
            self._process = nursery.start(_PROGRAM, log.fileno()) or subprocess.Popen(
                [sys.executable, "-m", "database_moves.cutover.guard"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        content = pickle.dumps(swap)
        self._say(LENGTH.pack(len(content)) + content)
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], START_SECONDS)[0] or (
            self._process.stdout.readline() != b"ready\n"
        ):
            self._process.kill()
            self._process.wait()
            raise MoveError("the guard of the swap did not start", remedy="look at guard.log")

    def begin(self, epoch: int, max_pause: float) -> None:
        """The pause begins now; it is late after so many seconds."""
        self._say(f"{epoch} {max_pause}\n".encode())

    def done(self) -> None:
        """Nothing is left to settle."""
        with contextlib.suppress(MoveError):
            self._say(b"done\n")
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.done()

    def _say(self, content: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(content)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise MoveError("the guard of the swap has ended", remedy="look at guard.log") from None
