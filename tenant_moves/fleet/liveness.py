"""Tells living workers from dead ones: each holds a lock in the store for as long as it lives.

The lock ends with its session, so with its process; the server ends the session of a machine that
has vanished some twenty seconds later. DBOS itself takes up only what an executor of the same name
left, and a worker's name is never used again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import socket
from typing import TYPE_CHECKING, Any

import psycopg

from database_moves.durable import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Connection = psycopg.Connection[tuple[Any, ...]]

_PURPOSE = "patchworks worker "
_KEEPALIVE = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2; "
    "SET idle_session_timeout = 0"
)


class LostError(StoreError):
    """The store's session is gone, so that others take this worker for dead."""


def name() -> str:
    """A name for this process that no other worker ever had."""
    host = socket.gethostname().partition(".")[0][:20]
    return f"{host}-{os.getpid()}-{secrets.token_hex(3)}"


class Alive:
    """The lock of this worker."""

    def __init__(self, connection: Connection, worker: str) -> None:
        self._connection = connection
        self._worker = worker

    def check(self) -> None:
        """See that others take this worker for alive; raises `LostError`."""
        try:
            self._connection.execute("SELECT")
        except psycopg.OperationalError as error:
            said = next(iter(str(error).strip().splitlines()), "no answer")
            raise LostError(
                f"the session in the store is lost ({said}), and other workers may take over what "
                f"{self._worker} had",
                remedy="start a worker again when the store answers",
            ) from None

    def is_dead(self, other: str) -> bool:
        """Whether another worker's process is gone."""
        key = _key(other)
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
        if row is None or not row[0]:
            return False
        self._connection.execute("SELECT pg_advisory_unlock(%s)", (key,))
        return True


@contextlib.contextmanager
def alive(url: str, worker: str) -> Iterator[Alive]:
    """Be known as alive; raises `StoreError` where the store does not answer."""
    with contextlib.closing(_connect(url, worker)) as connection:
        connection.execute(_KEEPALIVE.encode())
        connection.execute("SELECT pg_advisory_lock(%s)", (_key(worker),))
        yield Alive(connection, worker)


def workers(url: str) -> list[str]:
    """The workers that are alive, by name."""
    with contextlib.closing(_connect(url, "")) as connection:
        rows = connection.execute(
            "SELECT DISTINCT substring(application_name FROM %s) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name ~ %s ORDER BY 1",
            (f"^{_PURPOSE}(.+)$", f"^{_PURPOSE}."),
        ).fetchall()
    return [row[0] for row in rows]


def _connect(url: str, worker: str) -> Connection:
    purpose = f"{_PURPOSE}{worker}" if worker else "patchworks moves"
    try:
        return psycopg.connect(url, application_name=purpose, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        said = next(iter(str(error).strip().splitlines()), "no answer")
        raise StoreError(f"the store in PATCHWORKS_DATABASE_URL does not answer: {said}") from None


def _key(worker: str) -> int:
    digest = hashlib.sha256(f"{_PURPOSE}{worker}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
