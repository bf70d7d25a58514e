"""Names those whose locks a move waits for: to a person while it waits, and when it gives up."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from database_moves import names
from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from database_moves.database import Database, Side

    Connection = psycopg.Connection[tuple[Any, ...]]

PATIENCE_SECONDS = 30.0
"""How long in all a step tries for a lock, by statements that each give up earlier."""

LOOK_SECONDS = 3.0
"""After which, and how often, it is looked whom a move waits for."""

# Of a view, an index and so on the name alone: a cast to regclass looks at no lock.
_DESCRIBED = """
SELECT h.pid, h.relation::regclass::text,
       coalesce(a.usename, a.backend_type, '?'), coalesce(a.application_name, ''),
       coalesce(a.state, ''),
       coalesce(to_char(a.query_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), '?')
  FROM held AS h LEFT JOIN pg_stat_activity AS a ON a.pid = h.pid
 WHERE NOT coalesce(a.usename = session_user AND a.application_name LIKE %(ours)s, false)
 ORDER BY a.query_start, h.pid
"""

# Prepared transactions hold out as process 0. Who waits for advisory locks waits for movers.
_WAITED_FOR = f"""
WITH held AS (
    SELECT DISTINCT b.pid, (SELECT l.relation FROM pg_locks AS l WHERE l.pid = w.pid
                             AND NOT l.granted AND l.locktype = 'relation' LIMIT 1) AS relation
      FROM pg_stat_activity AS w
     CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS b(pid)
     WHERE w.datname = current_database() AND w.usename = session_user
       AND w.application_name LIKE %(ours)s
       AND w.wait_event_type = 'Lock' AND w.wait_event <> 'advisory')
{_DESCRIBED}"""  # noqa: S608  # a constant

_HELD = f"""
WITH held AS (
    SELECT l.pid, min(l.relation) AS relation FROM pg_locks AS l
     WHERE l.granted AND l.locktype = 'relation' AND l.mode = ANY(%(modes)s)
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.relation >= 16384 AND l.pid <> pg_backend_pid()
     GROUP BY l.pid)
{_DESCRIBED}"""  # noqa: S608  # a constant

READING = ("AccessExclusiveLock",)
"""The modes that keep a reader out."""

WRITING = ("RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareRowExclusiveLock",
           "ExclusiveLock", *READING)  # fmt: skip
"""The modes that keep out who wants no more writers."""


class Holder(NamedTuple):
    """A session that holds a lock; nothing of what its query says."""

    pid: int
    table: str | None
    role: str
    """Of a process of the server's own, what that is."""
    application: str
    state: str
    since: str
    """When its latest query began."""

    def __str__(self) -> str:
        what = f"a lock on {self.table}" if self.table else "a lock"
        if not self.pid:
            return f"a prepared transaction holds {what} (pg_prepared_xacts lists it)"
        name = f" ({self.application})" if self.application else ""
        state = f", {self.state}" if self.state else ""
        return (
            f"process {self.pid} of {self.role}{name} holds {what}{state}, "
            f"its query began {self.since}; to end it: SELECT pg_terminate_backend({self.pid})"
        )


class HeldByLockError(MoveError):
    """A lock was not free in time; what was begun for it has been undone."""


def waited_for(connection: Connection) -> list[Holder]:
    """Those for whom sessions of a move by this role wait in this database now."""
    return _holders(connection, _WAITED_FOR, ())


def holding(connection: Connection, modes: Sequence[str]) -> list[Holder]:
    """The others that hold locks of these modes on anything that is not the system's."""
    return _holders(connection, _HELD, modes)


def _holders(connection: Connection, query: str, modes: Sequence[str]) -> list[Holder]:
    parameters = {"ours": f"{names.APPLICATION} %", "modes": list(modes)}
    return [Holder(*row) for row in connection.execute(query.encode(), parameters)]


class Watch:
    """Looks now and then for whom a move waits, and tells of each session once."""

    def __init__(self, databases: Sequence[Database], tell: Callable[[str], None]) -> None:
        self._databases = databases
        self._tell = tell
        self._ended = threading.Event()
        self._told: set[tuple[Side, int]] = set()
        self._seen: dict[Side, list[Holder]] = {}

    def __enter__(self) -> Self:
        threading.Thread(target=self._look, name="lock watch", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Not waited for: a server that does not answer would keep the step from ending.
        self._ended.set()

    def given_up(self) -> HeldByLockError:
        """What to raise where patience ends."""
        seen = [f"on the {side}, {holder}" for side, all_ in self._seen.items() for holder in all_]
        return HeldByLockError(
            f"a lock was not free for {PATIENCE_SECONDS:.0f} s: "
            f"{'; '.join(seen) or 'nobody holds it any more'}",
            remedy="run the same command again when it is free",
        )

    def _look(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            for database in self._databases:
                # What can't be asked now is asked again; a step has its own word for that.
                with contextlib.suppress(psycopg.Error):
                    self._look_at(database)

    def _look_at(self, database: Database) -> None:
        with database.session(
            "lock watch", timeout=3, settings={"statement_timeout": "2s"}
        ) as connection:
            found = waited_for(connection)
        if found:
            self._seen[database.side] = found
        for holder in found:
            if (database.side, holder.pid) not in self._told and not self._ended.is_set():
                self._told.add((database.side, holder.pid))
                self._tell(f"waiting on the {database.side}: {holder}")
