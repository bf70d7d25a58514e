"""The sessions that a fence must outlast: who they are, and how they end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import sql

from database_moves import locks, names
from database_moves.cutover.protocol import UnreachableError
from database_moves.errors import MoveError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from database_moves.inventory import Table

    Connection = psycopg.Connection[tuple[Any, ...]]

POLL_SECONDS = 0.005

_LEAVING_SECONDS = 2.0
"""How long a session that this role may not end is waited for: it may be on its way out."""

# A session that does not show its state to this role is taken to be in a transaction. The
# application's name is a move's own only with the mover's role: anyone can call itself anything.
_STRANGERS = """
SELECT pid, usename, coalesce(application_name, ''), coalesce(state, 'unknown'),
       coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0)::float8
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
   AND coalesce(backend_type, 'client backend') = 'client backend'
   AND NOT (usename = session_user AND application_name LIKE %s)
"""

_PREPARED = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"

_IDLE = ("idle", "disabled")

_LOCKS = """
SELECT current_setting('max_locks_per_transaction')::bigint
       * (current_setting('max_connections')::bigint
          + current_setting('max_prepared_transactions')::bigint)
"""


class Stranger(NamedTuple):
    """A session that is not the move's."""

    pid: int
    role: str
    application: str
    state: str
    seconds: float
    """Age of its transaction."""

    def __str__(self) -> str:
        name = f" ({self.application})" if self.application else ""
        age = f" for {self.seconds:.0f} s" if self.state not in _IDLE else ""
        return f"process {self.pid} of {self.role}{name}, {self.state}{age}"


class HeldUpError(MoveError):
    """Transactions did not end in time; the text names who holds out, and no query of theirs."""


def strangers(connection: Connection) -> list[Stranger]:
    """The sessions in this database that are not the move's."""
    rows = connection.execute(_STRANGERS, (f"{names.APPLICATION} %",)).fetchall()
    return [Stranger(*row) for row in rows]


def end(connection: Connection, deadline: float, *, cancel: bool) -> None:
    """End all sessions but the move's: idle ones at once, others when their transactions are over.

    `deadline` is an instant of `time.monotonic()`; with `cancel` what holds out is ended then,
    without it `HeldUpError` names who does. Raises it also for prepared transactions, and
    `RefusedError` where this role may not end a session that stays.
    """
    prepared = connection.execute(_PREPARED).fetchall()
    if prepared:
        raise HeldUpError(f"prepared transactions hold out: {', '.join(g for (g,) in prepared)}")
    patience: float | None = None
    while True:
        found = strangers(connection)
        if not found:
            return
        late = time.monotonic() > deadline
        if late and not cancel:
            raise HeldUpError(f"transactions hold out: {'; '.join(map(str, found))}")
        ending = [one.pid for one in found if one.state in _IDLE or late]
        forbidden = _terminate(connection, ending) if ending else []
        if forbidden:
            patience = patience or min(deadline, time.monotonic() + _LEAVING_SECONDS)
            if time.monotonic() > patience:
                staying = "; ".join(str(one) for one in found if one.pid in forbidden)
                raise RefusedError(
                    f"this role may not end sessions: {staying}",
                    remedy="grant pg_signal_backend or those roles to the mover's role; a "
                    "superuser's session has to be ended by a superuser",
                )
        if late and time.monotonic() > deadline + 2:
            raise HeldUpError(f"sessions do not end: {'; '.join(map(str, found))}")
        time.sleep(POLL_SECONDS)


def end_attempts(connection: Connection, prefix: str, upto: int) -> None:
    """End the sessions of a swap's attempts up to an epoch, but this one, and see them gone.

    Raises `UnreachableError` where they take their time: who settles an attempt tries again.
    """
    query = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND usename = session_user "
        "AND application_name ~ %s AND substring(application_name FROM '[0-9]+$')::bigint <= %s"
    )
    deadline = time.monotonic() + 10
    while True:
        rows = connection.execute(query, (f"^{prefix}[0-9]+$", upto)).fetchall()
        if not rows:
            return
        _terminate(connection, [pid for (pid,) in rows])
        if time.monotonic() > deadline:
            raise UnreachableError("the sessions of an earlier attempt do not end")
        time.sleep(POLL_SECONDS)


def lock(
    connection: Connection, tables: Sequence[Table], timeout: float, beside: Connection
) -> None:
    """Hold every write to these tables out until the transaction under way ends.

    SHARE is the weakest mode that keeps writers out, superusers too, and lets reads pass. A vacuum
    that runs by itself yields to it after `deadlock_timeout`. Raises `HeldUpError` naming who has
    one of them, as `beside` sees it, another session in the same database.
    """
    if not tables:
        return
    connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{timeout * 1000:.0f}ms",))
    listed = sql.SQL(", ONLY ").join(table.qualified for table in tables)
    statement = sql.SQL("LOCK TABLE ONLY {} IN SHARE MODE").format(listed)
    try:
        connection.execute(statement.as_bytes(connection))
    except psycopg.errors.LockNotAvailable:
        named = "; ".join(map(str, locks.holding(beside, locks.WRITING)))
        raise HeldUpError(
            f"a table's lock was not free: {named or 'nobody has it any more'}"
        ) from None


def check_locks(connection: Connection, tables: Sequence[Table]) -> None:
    """Raise `RefusedError` where the server could not lock so many tables at once."""
    row = connection.execute(_LOCKS).fetchone()
    room = int(row[0]) if row else 0
    if len(tables) * 2 > room:
        raise RefusedError(
            f"the server has room for {room} locks, and {len(tables)} tables are to be locked",
            remedy="raise max_locks_per_transaction and restart it",
        )


def _terminate(connection: Connection, pids: Sequence[int]) -> list[int]:
    """Tell backends to end; those that this role may not tell so."""
    try:
        connection.execute(
            "SELECT pg_terminate_backend(p) FROM unnest(%s::int[]) AS p", (list(pids),)
        )
    except psycopg.errors.InsufficientPrivilege:
        if len(pids) == 1:
            return list(pids)
        return [pid for one in pids for pid in _terminate(connection, (one,))]
    return []
