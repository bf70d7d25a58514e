"""The processes that this one has started, seen while its threads come and go."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def children() -> set[int]:
    """The ids of those there are now, ended ones that nobody has waited for among them."""
    found: set[int] = set()
    for thread in Path(f"/proc/{os.getpid()}/task").iterdir():
        # A thread may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found |= {int(pid) for pid in (thread / "children").read_text().split()}
    return found


def command_line(pid: int) -> bytes:
    """What a process was started with; nothing of one that has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
