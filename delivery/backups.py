"""What a test of a restore needs of whatever keeps the backups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta

    from catalog.cell import Cell
    from database_moves.database import Database


class RestoreError(Exception):
    """A backup could not be restored; the text says why, and nothing of it is left."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup of a database cluster, restored on a server of its own."""

    what: str
    """The backup, as whoever keeps it names it."""
    taken: datetime
    seconds: float
    """From the first request until the copy let somebody in."""
    live: Callable[[str], Database]
    """A database of the cluster that serves, by its name."""
    copy: Callable[[str], Database]
    """The same database in the copy."""


class Backups(Protocol):
    """Restores the newest backup of a database cluster."""

    oldest: timedelta
    """How old the newest backup may be."""

    def restored(
        self, cell: Cell, cluster: str, databases: Sequence[str]
    ) -> AbstractContextManager[Restored]:
        """The newest backup on a server that goes when the block ends, however it ends.

        A copy that an earlier test could not remove goes first. Raises `RestoreError`.
        """
