"""The change stream of a move in one direction: publication, slot and subscription.

All three bear one name, made of the move's name and the direction. Every method may be called
again after any crash, and leaves what is right as it is.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import psycopg

from database_moves import crash_points, inventory, names
from database_moves.errors import MoveError, UnansweredError
from database_moves.inventory import qualified_name
from database_moves.replication import (
    health,
    marker,
    publication,
    removal,
    slots,
    subscriptions,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from database_moves.database import Database
    from database_moves.inventory import Table

    Connection = psycopg.Connection[tuple[Any, ...]]

SLOT_SECONDS = 60.0
"""How long a slot's creation waits for transactions under way."""

WORKER_SECONDS = 60.0
"""How long a worker may take to start or end; a launcher before 16 starts one each 5 s at most."""


@dataclass(frozen=True)
class Stream:
    """What brings the changes of one database to the other."""

    move: str
    publisher: Database
    subscriber: Database

    @cached_property
    def name(self) -> str:
        """The name of the publication, the slot and the subscription."""
        direction = "forward" if self.publisher.side == "source" else "reverse"
        return names.stream(self.move, direction)

    def publish(self, tables: Iterable[Table] | None = None) -> None:
        """Publish just these tables (all there are by default), but unlogged ones, and the marker.

        The control schema must be there. Call it before a slot is created: a slot reads the
        publication as it was at each change. Raises `RefusedError` naming tables whose updates
        would fail.
        """
        with self.publisher.session("publish") as connection:
            publication.bring_about(
                connection,
                self.name,
                inventory.tables(connection) if tables is None else tables,
            )
            marker.ensure(connection, self.publisher.side)

    def create_slot(self, timeout: float = SLOT_SECONDS) -> None:
        """Create the slot that `advance_slot` begins from, or find it; it already keeps the log.

        It waits at most `timeout` seconds for transactions under way, then raises `MoveError`
        naming them.
        """
        with self.publisher.session("create slot") as connection:
            slots.create(connection, removal.waiting_slot(self.name), timeout=timeout)

    def advance_slot(self) -> int:
        """Let the stream begin now: nothing that is committed is ever sent; the position."""
        with self.publisher.session("replication") as session:
            position = self.approach_slot(session)
            self.arrive_slot(session)
        return position

    def approach_slot(self, connection: Connection) -> int:
        """Pass over all that is committed now, the quick part of `advance_slot`; the position."""
        return slots.approach(connection, removal.waiting_slot(self.name), self.name)

    def arrive_slot(self, connection: Connection) -> None:
        """Let the stream begin where it was approached: what is left of `advance_slot`."""
        slots.arrive(connection, removal.waiting_slot(self.name), self.name)
        crash_points.reached("stream.slot-advanced")

    def subscribe(self, enabled: bool) -> None:
        """Subscribe from the slot, without rows; an existing subscription is brought to that.

        Raises `MoveError` where the publication or the slot is missing, or where an existing
        subscription does not have all published tables: what came for those was skipped.
        """
        with (
            self.publisher.session("subscribe") as publisher,
            self.subscriber.session("subscribe") as subscriber,
        ):
            self._check_publisher(publisher)
            conninfo = subscriptions.conninfo_of(self.publisher, publisher, self.name)
            if subscriptions.find(subscriber, self.name) is None:
                marker.forget(subscriber, self.publisher.side)
                subscriptions.create(self.subscriber, self.name, conninfo, enabled=enabled)
                crash_points.reached("stream.subscribed")
            else:
                subscriptions.update(self.subscriber, self.name, conninfo)
                subscriptions.switch(subscriber, self.name, enabled=enabled)
            self._check_tables(publisher, subscriber)

    def enable(self, timeout: float = WORKER_SECONDS) -> None:
        """Let changes be applied; returns when a worker is connected to the slot.

        Raises `MoveError` when none is after `timeout` seconds: the stream stays enabled.
        """
        with self.subscriber.session("enable") as connection:
            subscription = self._subscription(connection)
            subscriptions.switch(connection, self.name, enabled=True)
            running = waiting.until(
                lambda: (
                    subscriptions.worker(connection, subscription) is not None
                    and self._slot_active() is not False
                ),
                time.monotonic() + timeout,
                pause=0.05,
            )
        if not running:
            known = self.health()
            raise (UnansweredError if known.unreachable else MoveError)(
                f"no worker applies {self.name} after {timeout:g} s: "
                f"{'; '.join(known.faults()) or known.last_error or 'it starts and ends'}",
                remedy="the subscriber's log says why; check that its server reaches the publisher",
            )
        with (
            contextlib.suppress(psycopg.OperationalError),
            self.publisher.session("enable") as connection,
        ):
            slots.drop(connection, removal.waiting_slot(self.name), timeout=5)

    def disable(self, timeout: float = WORKER_SECONDS) -> None:
        """Apply no more; returns when the worker has ended and the slot is free.

        A worker that waits for something after half of `timeout` seconds is ended: what it had not
        committed comes again. A publisher that does not answer is no error.
        """
        with self.subscriber.session("disable") as connection:
            found = subscriptions.find(connection, self.name)
            if found is None:
                return
            subscriptions.switch(connection, self.name, enabled=False)

            def ended() -> bool:
                return subscriptions.worker(connection, found) is None

            now = time.monotonic()
            if not waiting.until(ended, now + timeout / 2):
                pid = subscriptions.worker(connection, found)
                connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
            if not waiting.until(ended, now + timeout):
                raise MoveError(f"the worker of {self.name} does not end")
        if not waiting.until(lambda: not self._slot_active(end=True), now + timeout, pause=0.1):
            raise MoveError(f"the slot {self.name} is still in use", remedy="try again")

    def health(self) -> health.Health:
        """How the stream is now; a side that does not answer is named in it."""
        return health.look(
            self.name, self.publisher, self.subscriber, removal.waiting_slot(self.name)
        )

    def kept(self) -> bool:
        """Whether the publisher keeps anything for this stream."""
        with self.publisher.session("look") as connection:
            return bool(slots.statuses(connection, [self.name]))

    def heartbeat(self, interval: float = marker.BEAT_SECONDS) -> marker.Heartbeat:
        """What writes markers on the publisher each `interval` seconds, not yet started."""
        return marker.Heartbeat(self.publisher, interval)

    def beat(self, connection: Connection | None = None) -> int:
        """Write one marker on the publisher; which one it is."""
        with self._on_publisher(connection) as session:
            return marker.beat(session, self.publisher.side)

    def wait_for_marker(
        self, n: int, deadline: float, connection: Connection | None = None
    ) -> float:
        """Wait until the subscriber has applied marker `n`, and all before it, to its disk.

        `deadline` is an instant of `time.monotonic()`; `connection` a session on the subscriber.
        Returns seconds; raises `marker.MarkerNotAppliedError`.
        """
        if connection is not None:
            return marker.wait_for_marker(connection, self.publisher.side, n, deadline)
        with self.subscriber.session("drain") as session:
            return marker.wait_for_marker(session, self.publisher.side, n, deadline)

    def remove(self) -> tuple[removal.Remaining, ...]:
        """Remove whatever exists on both sides; what is left, and the command for it later."""
        return removal.remove(self.name, self.publisher, self.subscriber)

    @contextlib.contextmanager
    def _on_publisher(self, connection: Connection | None) -> Iterator[Connection]:
        if connection is not None:
            yield connection
            return
        with self.publisher.session("replication") as opened:
            yield opened

    def _subscription(self, connection: Connection) -> subscriptions.Subscription:
        found = subscriptions.find(connection, self.name)
        if found is None:
            raise MoveError(f"there is no subscription {self.name}", remedy="subscribe first")
        return found

    def _slot_active(self, *, end: bool = False) -> bool | None:
        """Whether a walsender uses the slot, ending it if asked; None: the publisher is silent."""
        try:
            with self.publisher.session("status", timeout=2) as connection:
                found = slots.status(connection, self.name)
                if end and found is not None and found.active_pid is not None:
                    connection.execute("SELECT pg_terminate_backend(%s)", (found.active_pid,))
        except psycopg.OperationalError:
            return None
        return found is not None and found.active

    def _check_publisher(self, connection: Connection) -> None:
        if not publication.exists(connection, self.name):
            raise MoveError(f"there is no publication {self.name}", remedy="publish first")
        either = [self.name, removal.waiting_slot(self.name)]
        found = slots.statuses(connection, either)
        if not any(slot.ours and not slot.lost for slot in found.values()):
            raise MoveError(
                f"the slot {self.name} is {'lost' if found else 'missing'}",
                remedy="remove the stream and start the copy over",
            )

    def _check_tables(self, publisher: Connection, subscriber: Connection) -> None:
        published = set(publication.published(publisher, self.name))
        applied = subscriptions.tables(subscriber, self._subscription(subscriber))
        missing = sorted(published - applied)
        if missing:
            listed = ", ".join(qualified_name(*table) for table in missing)
            raise MoveError(
                f"the subscription {self.name} lacks tables that are published: {listed}",
                remedy="remove the stream and start the copy over",
            )
