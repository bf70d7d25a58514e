"""The lease: one mover at a time works on a database, whatever its moves are called.

An advisory lock in each of the two databases, held by one session each. A lease that is lost (a
server restarts, the network ends the session) is taken again before the next step, or the mover
stops there; what makes a late mover harmless is the gates' compare-and-set, not the lease.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from database_moves import names
from database_moves.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from database_moves.database import Database

    Connection = psycopg.Connection[tuple[Any, ...]]

WAIT_SECONDS = 10.0
"""How long to wait for another mover: the session of a killed one ends within moments."""

_PURPOSE = "lease "

# A bigint key is shown in pg_locks as its two halves.
_HOLDER = """
SELECT coalesce(substring(a.application_name FROM %(named)s), ''),
       format('process %%s of %%s from %%s, since %%s', a.pid, a.usename,
              coalesce(host(a.client_addr), 'the server''s machine'),
              to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
  FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid::bigint = (%(key)s::bigint >> 32) & 4294967295
   AND l.objid::bigint = %(key)s::bigint & 4294967295
"""


class Holder(NamedTuple):
    """Who holds the lease of a database."""

    move: str
    """Empty where this role is not shown which move it is."""
    described: str
    """The session's process, role, machine and age."""


def holder(connection: Connection) -> Holder | None:
    """Who holds the lease of the database that a session is in."""
    parameters = {"key": names.LEASE_KEY, "named": f"^{names.APPLICATION} {_PURPOSE}(.*)$"}
    row = connection.execute(_HOLDER, parameters).fetchone()
    return None if row is None else Holder(*row)


class Lease:
    """The sessions that hold the lease of the databases of a move."""

    def __init__(self, databases: Sequence[Database], move: str) -> None:
        self._databases = databases
        self._purpose = f"{_PURPOSE}{move}"
        self._sessions: dict[Database, Connection] = {}
        self.waited = False
        """Whether another mover had one of them first."""

    def keep(self) -> None:
        """See that it is held, and take it again where its session is gone.

        Raises `RefusedError` naming who holds one of them, and `psycopg.OperationalError` where one
        can't be reached.
        """
        for database in self._databases:
            if not self._held(database):
                self._let_go(database)
                connection = database.connect(self._purpose)
                try:
                    self.waited |= _take(connection, database)
                except BaseException:
                    connection.close()
                    raise
                self._sessions[database] = connection

    def close(self) -> None:
        """Let go of all."""
        for database in self._databases:
            self._let_go(database)

    def _held(self, database: Database) -> bool:
        connection = self._sessions.get(database)
        if connection is None or connection.closed:
            return False
        try:
            connection.execute("SELECT")
        except psycopg.OperationalError:
            return False
        return True

    def _let_go(self, database: Database) -> None:
        connection = self._sessions.pop(database, None)
        if connection is not None:
            connection.close()


@contextlib.contextmanager
def hold(databases: Sequence[Database], move: str) -> Iterator[Lease]:
    """Be the only mover of the databases of a move; raises as `Lease.keep` does."""
    with contextlib.closing(Lease(databases, move)) as lease:
        lease.keep()
        yield lease


def _take(connection: Connection, database: Database) -> bool:
    """Take it, or raise; whether it had to be waited for."""
    deadline = time.monotonic() + WAIT_SECONDS
    waited = False
    while True:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (names.LEASE_KEY,)).fetchone()
        if row is not None and row[0]:
            return waited
        if time.monotonic() > deadline:
            break
        waited = True
        time.sleep(0.2)
    found = holder(connection)
    raise RefusedError(
        f"another mover works on {database.address}: "
        f"{found.described if found else 'it just ended'}",
        remedy="wait for it, or end that process",
    )
