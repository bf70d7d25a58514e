"""The exported snapshot at which a slot begins, and the connection that keeps it alive."""

from __future__ import annotations

import os
import select
import socket
import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from database_moves.copying.wire import raised
from database_moves.errors import MoveError
from database_moves.progress import Progress, Step, silent

if TYPE_CHECKING:
    from types import TracebackType

    from database_moves.copying.parts import Task
    from database_moves.database import Database

LOOK_SECONDS = 1.0
"""How often to look what holds a slot's creation up."""

# The walsender is idle in a transaction for as long as the copy takes: no timer may end it.
_TIMERS = (
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "statement_timeout",
    "transaction_timeout",
)

# A slot begins when every transaction is over that was writing when its creation began.
_BLOCKERS = """
SELECT format('the transaction of process %%s (%%s, %%s) that began at %%s',
              pid, usename, coalesce(nullif(application_name, ''), 'unnamed'),
              to_char(xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
  FROM pg_stat_activity
 WHERE backend_xid IS NOT NULL AND pid <> %(own)s AND pid <> pg_backend_pid()
   AND xact_start < %(begun)s
UNION ALL
SELECT format('the prepared transaction %%L of %%s in database %%s', gid, owner, database)
  FROM pg_prepared_xacts WHERE prepared < %(begun)s
"""


class Snapshot:
    """What the source held at `lsn`, readable by its name for as long as this is open.

    A context manager: leaving it closes the connection, and the snapshot is gone. The slot stays.
    """

    def __init__(self, connection: psycopg.Connection[Any], slot: str, name: str, lsn: str) -> None:
        self.slot = slot
        self.name = name
        self.lsn = lsn
        self.plan: tuple[Task, ...] | None = None
        """How the copy was divided; a copy that is taken up must keep to it."""
        self._connection = connection

    @property
    def identity(self) -> str:
        """What tells it from every other one of this source; names of snapshots come again."""
        return f"{self.lsn} {self.name}"

    def alive(self) -> bool:
        """Whether the connection still stands, as far as this side knows.

        A cut that nobody told of is found by keepalives, half a minute later. Nothing may be asked
        on the connection: any command would end the snapshot.
        """
        if self._connection.closed:
            return False
        duplicate = socket.socket(fileno=os.dup(self._connection.fileno()))
        with duplicate:
            try:
                heard = duplicate.recv(4096, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            except OSError:
                return False
        # Silent until asked, the server speaks only to tell of a parameter or of its end.
        return heard[:1] in (b"S", b"N") and b"FATAL" not in heard

    def close(self) -> None:
        """Give the snapshot up."""
        self._connection.close()

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def create_slot_with_snapshot(
    source: Database, slot_name: str, *, progress: Progress = silent
) -> Snapshot:
    """Create a logical slot and export the snapshot from whose end on it will send changes.

    This waits for every transaction that is writing now; `progress` is told which, in seconds.
    Whoever raises in `progress` ends the wait, and no slot is left. Raises `MoveError` where a slot
    of that name exists, and `psycopg.OperationalError` when the source is lost.
    """
    connection = source.connect_for_replication("snapshot")
    try:
        for timer in _TIMERS:
            _disable(connection, timer)
        result = _create(source, connection, slot_name, progress)
    except psycopg.errors.DuplicateObject as error:
        connection.close()
        raise MoveError(
            f"a replication slot {slot_name} exists already on {source.address}",
            remedy="drop it if no subscription uses it",
        ) from error
    except BaseException:
        connection.close()
        raise
    return Snapshot(connection, *result)


def _disable(connection: psycopg.Connection[Any], timer: str) -> None:
    try:
        connection.execute(sql.SQL("SET {} = 0").format(sql.Identifier(timer)))
    except psycopg.errors.UndefinedObject:
        # A version that has no such timer needs none disabled.
        return


def _create(
    source: Database, connection: psycopg.Connection[Any], slot_name: str, progress: Progress
) -> tuple[str, str, str]:
    """Slot, snapshot and LSN, when the server is done."""
    statement = sql.SQL("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput (SNAPSHOT 'export')").format(
        sql.Identifier(slot_name)
    )
    pgconn = connection.pgconn
    begun = time.monotonic()
    with source.session("snapshot watch") as watch:
        since = watch.execute("SELECT clock_timestamp()").fetchone()
        pgconn.send_query(statement.as_bytes(connection))
        pgconn.flush()
        while pgconn.is_busy():
            if not select.select([pgconn.socket], [], [], LOOK_SECONDS)[0]:
                blockers = watch.execute(
                    _BLOCKERS, {"own": pgconn.backend_pid, "begun": since[0] if since else None}
                ).fetchall()
                waiting = "; ".join(text for (text,) in blockers)
                detail = f"waiting for {waiting}" if waiting else "creating the slot"
                progress(Step("snapshot", time.monotonic() - begun, None, "seconds", detail))
                continue
            pgconn.consume_input()
    result = pgconn.get_result()
    if result is None or result.status != ExecStatus.TUPLES_OK:
        raise raised(result)
    values = {result.fname(n): (result.get_value(0, n) or b"").decode() for n in range(3)}
    while pgconn.get_result() is not None:
        pass
    return slot_name, values[b"snapshot_name"], values[b"consistent_point"]
