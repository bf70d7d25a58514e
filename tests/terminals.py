"""A command on a terminal of its own, and a person who types when something is asked."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import termios
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INTERRUPT, END_OF_INPUT = b"\x03", b"\x04"
"""What Ctrl-C and Ctrl-D send; the terminal makes of them a signal, and an empty line."""


@dataclass(frozen=True)
class Shown:
    """A command that has ended."""

    code: int
    text: str
    """All that the terminal showed."""


def on_terminal(
    command: Sequence[str],
    typed: Sequence[tuple[str, bytes]] = (),
    *,
    settings: Mapping[str, str],
    directory: str | os.PathLike[str] | None = None,
    timeout: float = 300.0,
) -> Shown:
    """Run a command; each of `typed` is what is waited for, and what is typed then.

    `settings` are its variables, those that say what terminal it is among them.
    """
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=settings,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        # The terminal is the command's own, so that Ctrl-C goes to it.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(follower)
    waiting, shown, seen = list(typed), b"", 0
    deadline = time.monotonic() + timeout
    try:
        while select.select([leader], [], [], max(0.0, deadline - time.monotonic()))[0]:
            try:
                shown += os.read(leader, 65536)
            except OSError:
                # Nobody has the other end open any more.
                break
            while waiting and waiting[0][0].encode() in shown[seen:]:
                awaited, keys = waiting.pop(0)
                seen = shown.index(awaited.encode(), seen) + len(awaited.encode())
                os.write(leader, keys)
        code = process.wait(max(1.0, deadline - time.monotonic()))
    finally:
        process.kill()
        os.close(leader)
    assert not waiting, (waiting, shown)
    return Shown(code, shown.decode(errors="replace").replace("\r\n", "\n"))
