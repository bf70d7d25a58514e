"""How verification knows that the follower has applied what the serving side had written."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from database_moves.errors import StreamLostError
from database_moves.verification.session import Session

if TYPE_CHECKING:
    from database_moves.database import Database

_POLL_SECONDS = (0.005, 0.2)


class AppliedPosition(Protocol):
    """A place in the serving side's stream of changes; called from several threads."""

    def now(self) -> str:
        """A position after everything that any session has seen committed on the serving side."""

    def wait(self, position: str, timeout: float) -> bool:
        """Whether the follower has applied all before the position, within `timeout` seconds.

        A timeout of 0 only looks.
        """


class AtRest:
    """Nothing is written on either side, so nothing is waited for."""

    def now(self) -> str:
        """There is one position."""
        return ""

    def wait(self, position: str, timeout: float) -> bool:  # noqa: ARG002 - as the protocol has it
        """It is reached."""
        return True


class SlotPosition:
    """The position of a native subscription, read from its slot on the serving side.

    `now` writes a transactional message that no subscription asks for, and flushes it: its end is
    past every commit record written before, also those of asynchronous commits that are visible
    but not flushed, which `pg_current_wal_lsn()` may precede. On a server without other writes it
    is also a position that the sender comes to, as `pg_current_wal_insert_lsn()` is not at the
    border of a page.

    `confirmed_flush_lsn` is what the apply worker reports as flushed. It reports the end of what
    it received only while no applied transaction waits to be flushed, and receives transactions
    whole and in the order of their commits, so a value past X says that all committed before X
    is applied and on disk. That holds for tables that the apply worker itself looks after: the
    subscription was made with `copy_data = false`, or all its tables are synchronised.
    """

    def __init__(self, publisher: Database, slot: str) -> None:
        self._slot = slot
        self._lock = Lock()
        # Waiting for synchronous standbys proves nothing here.
        self._session = Session(
            publisher,
            "verify position",
            {"synchronous_commit": "local", "default_transaction_read_only": "off"},
        )

    def now(self) -> str:
        """The end of a message written now."""
        with self._lock:
            rows = self._session.rows(
                "SELECT pg_logical_emit_message(true, 'patchworks', '')::text"
            )
        return str(rows[0][0])

    def wait(self, position: str, timeout: float) -> bool:
        """Look at the slot until it is past the position; raises `StreamLostError`."""
        until = time.monotonic() + timeout
        pause, longest = _POLL_SECONDS
        while not self._passed(position):
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(longest, pause * 1.5)
        return True

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _passed(self, position: str) -> bool:
        with self._lock:
            rows = self._session.rows(
                "SELECT coalesce(confirmed_flush_lsn >= %s::pg_lsn, false), wal_status = 'lost' "
                "FROM pg_replication_slots WHERE slot_name = %s",
                (position, self._slot),
            )
        if not rows or rows[0][1]:
            state = "was invalidated" if rows else "does not exist"
            raise StreamLostError(
                f"the replication slot {self._slot} {state}, so nothing says what was applied",
                remedy="start the copy over",
            )
        return bool(rows[0][0])
