"""One mover at a time works on a tenant: a lock on the server that the move begins at, or, where
that is gone for good, on the server of the side that stays.

It ends with the process that holds it. What makes a late mover harmless is the ledger's
compare-and-set and the databases' gates, not the lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import TYPE_CHECKING

import psycopg

from database_moves.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.database import Database

WAIT_SECONDS = 10.0
"""How long to wait for another mover: the session of a killed one ends within moments."""


class HeldError(RefusedError):
    """Another process moves the tenant; it may be worth to wait for it."""


@contextlib.contextmanager
def hold(server: Database, tenant: str, otherwise: str = "") -> Iterator[None]:
    """Be the only mover of a tenant; raises `RefusedError` where there is another, or no server.

    `otherwise` says what to do where that server never comes back.
    """
    digest = hashlib.sha256(f"patchworks tenant move {tenant}".encode()).digest()
    number = int.from_bytes(digest[:8], signed=True)
    with contextlib.ExitStack() as stack:
        try:
            session = stack.enter_context(server.session(f"tenant {tenant}"))
        except psycopg.OperationalError as error:
            raise RefusedError(
                f"the server {server.address} does not answer: {str(error).splitlines()[0]}",
                remedy=f"run the same command when it does{otherwise}",
            ) from None
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            row = session.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
            if row is not None and row[0]:
                break
            if time.monotonic() > deadline:
                raise HeldError(
                    f"another process moves {tenant}", remedy="wait for it, or end that process"
                )
            time.sleep(0.2)
        yield
