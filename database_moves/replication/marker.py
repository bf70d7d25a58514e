"""The marker: a row that the serving side updates, whose arrival proves what came before it.

Changes are applied in the order of their commits, so a follower that shows marker n has applied
everything that was committed before n was written.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg

from database_moves.errors import MoveError
from database_moves.replication import slots

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from database_moves.database import Database, Side

    Connection = psycopg.Connection[tuple[Any, ...]]

BEAT_SECONDS = 1.0

# Microseconds of the clock where that is more than one more than the last: a marker that a
# follower kept from an earlier stream is then never taken for one that is still to come.
_BEAT = """
INSERT INTO patchworks_moves.marker AS m (side, n, at)
VALUES (%s, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, clock_timestamp())
    ON CONFLICT (side) DO UPDATE
   SET n = greatest(m.n + 1, excluded.n), at = excluded.at
RETURNING n
"""

_ENSURE = """
INSERT INTO patchworks_moves.marker (side, n, at) VALUES (%s, 0, clock_timestamp())
    ON CONFLICT (side) DO NOTHING
"""

_FORGET = """
INSERT INTO patchworks_moves.marker (side, n, at) VALUES (%s, 0, clock_timestamp())
    ON CONFLICT (side) DO UPDATE SET n = 0
"""

_SEEN = "SELECT n FROM patchworks_moves.marker WHERE side = %s"


class MarkerNotAppliedError(MoveError):
    """The follower had not applied all that was asked for when the time was up."""


def beat(connection: Connection, side: Side) -> int:
    """Write the next marker of a side, on that side; which one it is.

    The session's `synchronous_commit` must be on, as a move's sessions have it: a marker that
    waits for no disk is sent up to `wal_writer_delay` (200 ms by default) later.
    """
    row = connection.execute(_BEAT, (side,)).fetchone()
    assert row is not None
    return int(row[0])


def ensure(connection: Connection, side: Side) -> None:
    """Have a row before the slot begins: the stream then holds nothing but updates of it."""
    connection.execute(_ENSURE, (side,))


def forget(connection: Connection, side: Side) -> None:
    """Have a row that a new stream can update, with no marker that is still to come."""
    connection.execute(_FORGET, (side,))


def seen(connection: Connection, side: Side) -> int | None:
    """The last marker of a side that this database has."""
    row = connection.execute(_SEEN, (side,)).fetchone()
    return None if row is None else int(row[0])


def wait_for_marker(subscriber: Connection, side: Side, n: int, deadline: float) -> float:
    """Wait until the follower has applied marker `n`, and has it on its disk; seconds waited.

    `deadline` is an instant of `time.monotonic()`. Raises `MarkerNotAppliedError` when it passes.
    """
    begin = time.monotonic()
    pause = 0.001
    while (found := seen(subscriber, side)) is None or found < n:
        now = time.monotonic()
        if now >= deadline:
            raise MarkerNotAppliedError(
                f"after {now - begin:.3f} s the follower has not applied all that the {side} "
                "committed"
            )
        time.sleep(min(pause, max(0.0, deadline - now)))
        # A session that asks each millisecond takes a tenth of a core: not for long.
        pause = 0.001 if now - begin < 0.1 else 0.005 if now - begin < 1 else 0.02
    slots.flush(subscriber)
    return time.monotonic() - begin


class Heartbeat:
    """Writes markers on the serving side from a thread of its own, whatever becomes of sessions."""

    def __init__(self, serving: Database, interval: float = BEAT_SECONDS) -> None:
        """`interval` is in seconds."""
        self._serving = serving
        self._interval = interval
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self.last: int | None = None
        """The last marker that was written."""
        self.failures = 0
        """Beats that failed since one succeeded."""

    def start(self) -> Self:
        """Begin to beat; the first beat comes at once."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
            self._thread.start()
        return self

    def stop(self, timeout: float = 5.0) -> None:
        """Write no more, also not the beat that waits for a lock now; returns when that is so.

        Where a server does not answer within `timeout` seconds its session is left to end alone.
        """
        if self._thread is None:
            return
        self._ended.set()
        deadline = time.monotonic() + timeout
        while self._thread.is_alive() and time.monotonic() < deadline:
            connection = self._connection
            if connection is not None:
                with contextlib.suppress(psycopg.Error):
                    connection.cancel_safe(timeout=1.0)
            self._thread.join(0.1)
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _beat(self) -> None:
        while not self._ended.is_set():
            try:
                # Behind the fence's lock a beat is given up rather than written when it ends.
                with self._serving.session(
                    "heartbeat", settings={"statement_timeout": "2s"}, timeout=5
                ) as connection:
                    self._connection = connection
                    while not self._ended.is_set():
                        self.last = beat(connection, self._serving.side)
                        self.failures = 0
                        self._ended.wait(self._interval)
            except psycopg.Error:
                self.failures += 1
                self._ended.wait(self._interval)
            finally:
                self._connection = None
