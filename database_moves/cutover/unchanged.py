"""Looks in the background whether the serving side's schema changed before its tables were shut."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Any

from database_moves.errors import MoveError
from database_moves.schema import fingerprint

if TYPE_CHECKING:
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
        self._changes: Future[list[str]] = Future()

    def look(self) -> None:
        """Begin to look; to be called when no table can be changed any more."""
        Thread(target=self._look, daemon=True).start()

    def check(self) -> None:
        """Wait for the answer; raises `MoveError` naming what changed."""
        changed = self._changes.result()
        if changed:
            raise MoveError(f"the schema changed: {', '.join(changed)}")

    def _look(self) -> None:
        try:
            changed: list[str] = []
            if fingerprint.mark(self._connection) != self._mark:
                now = fingerprint.fingerprint_in(self._connection)
                changed = fingerprint.differences(self._before, now)
            self._changes.set_result(changed)
        except BaseException as error:
            self._changes.set_exception(error)
