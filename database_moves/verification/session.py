"""Sessions that verification reads with: they outlive a server's restart, and write nothing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from psycopg import sql

    from database_moves.database import Database

T = TypeVar("T")

# Values must be written alike on both sides (money follows lc_monetary), and the load is what was
# asked for: no parallel workers, no compilation for a statement that takes half a second.
_SETTINGS = {
    "default_transaction_read_only": "on",
    "lock_timeout": "0",
    "lc_monetary": "C",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}

# A range or a key is read through the index: an estimate must not turn each of a thousand ranges
# into a reading of the whole table.
_BY_INDEX = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_sort")

_RECONNECT_SECONDS = 60.0


class Session:
    """A session on one side that connects anew when its connection is lost.

    It tries for a minute; one that is not `patient` only after it was connected once, so that a
    wrong address is told at once.
    """

    def __init__(
        self,
        database: Database,
        purpose: str,
        settings: Mapping[str, str] | None = None,
        *,
        patient: bool = True,
    ) -> None:
        self._database = database
        self._purpose = purpose
        self._settings = _SETTINGS | dict(settings or {})
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._by_index = False
        self._patient = patient

    def rows(
        self,
        statement: str | sql.Composed,
        parameters: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        by_index: bool = False,
    ) -> list[tuple[Any, ...]]:
        """What a statement returns; one that was lost with its connection is asked again.

        Raises the last `psycopg.OperationalError` after a minute without a server.
        """
        until: float | None = None
        while True:
            try:
                connection = self._connected(by_index)
                return connection.execute(statement, parameters).fetchall()
            except psycopg.OperationalError:
                alive = self._connection is not None and not self._connection.closed
                if alive or not self._patient:
                    raise
                self._connection = None
                until = until or time.monotonic() + _RECONNECT_SECONDS
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)

    def close(self) -> None:
        """Close the connection; a later statement would open another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self, by_index: bool) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = self._database.connect(self._purpose, settings=self._settings)
            self._by_index = False
            self._patient = True
        if by_index != self._by_index:
            self._connection.execute(
                "SELECT set_config(s, %s, false) FROM unnest(%s::text[]) AS s",
                ("off" if by_index else "on", list(_BY_INDEX)),
            )
            self._by_index = by_index
        return self._connection


class Pair:
    """A session on each side, used by one thread, that read at the same time."""

    def __init__(self, serving: Database, follower: Database, *, patient: bool = True) -> None:
        self.serving = Session(serving, "verify", patient=patient)
        self.follower = Session(follower, "verify", patient=patient)
        self._other = ThreadPoolExecutor(1, thread_name_prefix="verify-follower")

    def both(self, read: Callable[[Session], T]) -> tuple[T, T]:
        """Read on the serving side and, at the same time, on the follower."""
        follower = self._other.submit(read, self.follower)
        try:
            serving = read(self.serving)
        finally:
            # Never leave the other session at work behind an error.
            follower.exception()
        return serving, follower.result()

    def close(self) -> None:
        """Close both."""
        self._other.shutdown()
        self.serving.close()
        self.follower.close()
