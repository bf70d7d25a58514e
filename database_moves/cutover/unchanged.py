"""Looks in the background whether the serving side's schema changed before its tables were shut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from database_moves.beside import beside
from database_moves.errors import MoveError
from database_moves.schema import fingerprint

if TYPE_CHECKING:
    from concurrent.futures import Future

    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]


class Unchanged:
    """What the schema was before the pause, and whether it is so still.

    The cheap look often says no where a table was only truncated, and the thorough one would take
    up much of the pause: it runs in a session of its own while changes drain.
    """

    def __init__(self, connection: Connection) -> None:
        """Take notice of what is; `connection` is used by nobody else until `check` has ended."""
        self._connection = connection
        self._mark = fingerprint.mark(connection)
        self._before = fingerprint.fingerprint_in(connection)
        self._changes: Future[list[str]] | None = None

    def look(self) -> None:
        """Begin to look; to be called when no table can be changed any more."""
        self._changes = beside(self._look)

    def check(self) -> None:
        """Wait for the answer; raises `MoveError` naming what changed."""
        assert self._changes is not None
        changed = self._changes.result()
        if changed:
            raise MoveError(f"the schema changed: {', '.join(changed)}")

    def _look(self) -> list[str]:
        if fingerprint.mark(self._connection) == self._mark:
            return []
        now = fingerprint.fingerprint_in(self._connection)
        return fingerprint.differences(self._before, now)
