"""Directories that a plan needs while it runs; what a killed plan left is removed by the next."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Self

PREFIX = "patchworks-plan-"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - directories there are made for this user alone
_SHARE = 4
"""What is kept in memory takes less than a quarter of what is free there."""


class TemporaryDirectory:
    """A directory that is locked while its plan lives; `close` removes it."""

    def __init__(self, most: int | None = None) -> None:
        """`most` is how many bytes it will hold, where that is known: it may lie in memory then.

        A disk takes a millisecond for each of thousands of small files.
        """
        # Locked before it has the name by which others find it.
        made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=_place(most)))
        self._descriptor = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self.path = made.rename(made.with_name(made.name.removeprefix(".")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the directory and all in it; twice is no harm."""
        if self._descriptor >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._descriptor)
            self._descriptor = -1


def _place(most: int | None) -> Path | None:
    """Where a directory is made; None for where temporary files lie, as a person may have said."""
    if most is None or any(map(os.environ.get, ("TMPDIR", "TEMP", "TMP"))):
        return None
    try:
        there = os.statvfs(_IN_MEMORY)
    except OSError:
        return None
    fits = most * _SHARE < there.f_bavail * there.f_frsize
    return _IN_MEMORY if fits and os.access(_IN_MEMORY, os.W_OK) else None


def remove_abandoned() -> None:
    """Remove this user's directories whose plan was killed before it could."""
    for place in {Path(tempfile.gettempdir()), _IN_MEMORY}:
        for each in place.glob(f"{PREFIX}*"):
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
