"""The sessions of one process in an attempt, and the turn to bring that attempt to its end."""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors as postgresql

from database_moves import names
from database_moves.cutover import sessions
from database_moves.cutover.protocol import LostError, UnreachableError
from database_moves.errors import RefusedError

if TYPE_CHECKING:
    from database_moves.cutover.swap import Swap

    Connection = psycopg.Connection[tuple[Any, ...]]

TURN_KEY = int.from_bytes(hashlib.sha256(b"patchworks swap turn").digest()[:8], signed=True)
"""The advisory lock on the serving side of who may bring an attempt to its end."""

TURN_SECONDS = 10.0
"""How long to wait for it before a pause: the session of a process that has ended does so soon."""

SESSION = "swap "
"""Sessions of an attempt are named by this and its epoch, so that others can end them."""


class Attempt:
    """What a mover, its guard or a later run has open on both sides.

    All but the turn are opened before the pause, in which a new session would take its time.
    """

    def __init__(self, swap: Swap) -> None:
        self._swap = swap
        self._open: dict[str, Connection] = {}

    @property
    def serving(self) -> Connection:
        """On the side that serves; whoever opened it in `begin` has the turn with it."""
        return self._open["serving"]

    @property
    def locks(self) -> Connection:
        """On the side that serves, for the transaction that holds tables and decides."""
        return self._open["locks"]

    @property
    def schema(self) -> Connection:
        """On the side that serves, for looking at its schema meanwhile."""
        return self._open["schema"]

    @property
    def follower(self) -> Connection:
        """On the side that is to serve."""
        return self._open["follower"]

    @property
    def reverse(self) -> Connection:
        """On the side that is to serve, for making the slot of the way back meanwhile."""
        return self._open["reverse"]

    @property
    def turn(self) -> Connection:
        """The session that settles; raises `LostError` where it is gone."""
        return self._alive("turn")

    def begin(self, epoch: int) -> None:
        """Open all, and take the turn; raises `RefusedError` where another keeps it."""
        serving, follower = self._swap.serving, self._swap.follower
        for name, database in (
            ("serving", serving),
            ("locks", serving),
            ("schema", serving),
            ("follower", follower),
            ("reverse", follower),
        ):
            self._open[name] = database.connect(f"{SESSION}{epoch}", autocommit=name != "locks")
        until = time.monotonic() + TURN_SECONDS
        while not self._takes_turn():
            if time.monotonic() > until:
                raise RefusedError(
                    "an earlier swap is being settled", remedy="try again in a moment"
                )
            time.sleep(0.1)

    def take_turn(self, epoch: int) -> None:
        """End every session of attempts up to this one, and take the turn to settle it.

        Raises `UnreachableError` where another process has it.
        """
        self.close()
        prefix = f"{names.APPLICATION} {SESSION}"
        # The follower may be what is down; its sessions hold nothing that the serving side needs.
        with (
            contextlib.suppress(psycopg.OperationalError, UnreachableError),
            self._swap.follower.session("settle", timeout=3) as there,
        ):
            sessions.end_attempts(there, prefix, epoch)
        here = self._swap.serving.connect("settle", timeout=5)
        self._open["turn"] = here
        sessions.end_attempts(here, prefix, epoch)
        here.execute("SET lock_timeout = '20s'")
        try:
            here.execute("SELECT pg_advisory_lock(%s)", (TURN_KEY,))
        except postgresql.LockNotAvailable as error:
            raise UnreachableError("another process settles the swap") from error
        here.execute("SET lock_timeout = 0")

    def see_turn(self) -> None:
        """See that this process still has the turn; raises `LostError`."""
        self._alive("turn" if "turn" in self._open else "serving").execute("SELECT")

    def follower_again(self, epoch: int) -> Connection:
        """The session on the side that is to serve, opened anew where it is gone."""
        connection = self._open.get("follower")
        if connection is None or connection.closed:
            connection = self._swap.follower.connect(f"settle {epoch}", timeout=5)
            self._open["follower"] = connection
        return connection

    def close(self) -> None:
        """Close all, and with them let go of the turn and of every lock."""
        for connection in self._open.values():
            with contextlib.suppress(psycopg.Error):
                connection.close()
        self._open.clear()

    def _takes_turn(self) -> bool:
        row = self.serving.execute("SELECT pg_try_advisory_lock(%s)", (TURN_KEY,)).fetchone()
        return row is not None and bool(row[0])

    def _alive(self, name: str) -> Connection:
        connection = self._open.get(name)
        if connection is None or connection.closed:
            raise LostError("the turn was lost with its session")
        return connection
