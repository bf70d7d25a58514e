"""The lease: one mover at a time works on a database, whatever its moves are called.

An advisory lock in each of the two databases, held by one session each. A lease that is lost (a
server restarts, the network ends the session) is noticed before the next decisive step; what makes
a late mover harmless is the gates' compare-and-set, not the lease.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from database_moves import names
from database_moves.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from database_moves.database import Database

    Connection = psycopg.Connection[tuple[Any, ...]]

WAIT_SECONDS = 10.0
"""How long to wait for another mover: the session of a killed one ends within moments."""

# A bigint key is shown in pg_locks as its two halves.
_HOLDER = """
SELECT format('process %%s of %%s from %%s, since %%s', a.pid, a.usename,
              coalesce(host(a.client_addr), 'this machine'),
              to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
  FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid::bigint = (%(key)s::bigint >> 32) & 4294967295
   AND l.objid::bigint = %(key)s::bigint & 4294967295
"""


@contextlib.contextmanager
def hold(source: Database, target: Database, move: str) -> Iterator[None]:
    """Be the only mover of both databases.

    Raises `RefusedError` naming who holds one of them, and `psycopg.OperationalError` where one
    can't be reached.
    """
    with contextlib.ExitStack() as sessions:
        for database in (source, target):
            connection = sessions.enter_context(database.session(f"lease {move}"))
            _take(connection, database)
        yield


def _take(connection: Connection, database: Database) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (names.LEASE_KEY,)).fetchone()
        if row is not None and row[0]:
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    holder = connection.execute(_HOLDER, {"key": names.LEASE_KEY}).fetchone()
    raise RefusedError(
        f"another mover works on {database.address}: {holder[0] if holder else 'it just ended'}",
        remedy="wait for it, or end that process",
    )
