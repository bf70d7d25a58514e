"""Directories that a plan needs while it runs; what a killed plan left is removed by the next."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import Self

PREFIX = "patchworks-plan-"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - directories there are made for this user alone
_BEING_MADE_SECONDS = 3600
_SHARE = 4
"""What is kept in memory takes less than a quarter of what is free there."""


class TemporaryDirectory:
    """A directory that is locked while its plan lives; `close` removes it."""

    def __init__(self, most: int | None = None) -> None:
        """`most` is how many bytes it will hold, where that is known: it may lie in memory then.

        A disk takes a millisecond for each of thousands of small files.
        """
        self._process, self._descriptor = os.getpid(), -1
        self.path = _place(most) / f"{PREFIX}{secrets.token_hex(8)}"
        # Locked before it has the name by which others find it.
        made = self.path.with_name(f".{self.path.name}")
        try:
            made.mkdir(0o700)
            self._descriptor = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            made.rename(self.path)
        except BaseException:
            # An interrupt may come between any two of them.
            shutil.rmtree(made, ignore_errors=True)
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        """An interrupt may come before whoever made the directory has it in hand."""
        if self._process == os.getpid():
            self.close()

    def close(self) -> None:
        """Remove the directory and all in it; twice is no harm."""
        if self._descriptor >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._descriptor)
            self._descriptor = -1


def _place(most: int | None) -> Path:
    """Where a directory is made; a person may have said where temporary files are to lie."""
    usual = Path(tempfile.gettempdir())
    if most is None or any(map(os.environ.get, ("TMPDIR", "TEMP", "TMP"))):
        return usual
    try:
        there = os.statvfs(_IN_MEMORY)
    except OSError:
        return usual
    fits = most * _SHARE < there.f_bavail * there.f_frsize
    return _IN_MEMORY if fits and os.access(_IN_MEMORY, os.W_OK) else usual


def remove_abandoned() -> None:
    """Remove this user's directories whose plan was killed before it could."""
    for place in {Path(tempfile.gettempdir()), _IN_MEMORY}:
        for each in place.glob(f"{PREFIX}*"):
            _remove_if_abandoned(each)
        for each in place.glob(f".{PREFIX}*"):
            # It has that name for a moment, in which nobody has locked it.
            with contextlib.suppress(OSError):
                if time.time() - each.stat().st_mtime > _BEING_MADE_SECONDS:
                    _remove_if_abandoned(each)


def _remove_if_abandoned(directory: Path) -> None:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if os.fstat(descriptor).st_uid == os.getuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
