"""How a stream is: whether it applies, what failed, how far behind it is and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

from database_moves.replication import positions, slots, subscriptions

if TYPE_CHECKING:
    from database_moves.database import Database, Side

    Connection = psycopg.Connection[tuple[Any, ...]]

_ANSWER_SECONDS = 5
"""How long each side may take to let a session in."""

_POSITION = "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint"

_MARKER = """
SELECT n, at, extract(epoch FROM clock_timestamp() - at)::float8
  FROM patchworks_moves.marker WHERE side = %s
"""

# From 18 on there are counters by kind of conflict, too.
_FAILURES = """
SELECT s.apply_error_count + s.sync_error_count, to_jsonb(s)
  FROM pg_stat_subscription_stats AS s WHERE s.subid = %s
"""


@dataclass(frozen=True)
class Health:
    """A stream at one moment; what cannot be known because a side does not answer is None."""

    enabled: bool | None = None
    """None also where there is no subscription."""
    worker_running: bool | None = None
    errors: int | None = None
    """Times that applying failed, since the server's statistics were last reset."""
    conflicts: dict[str, int] = field(default_factory=dict)
    """By kind, from 18 on, those that are not 0. `update_missing` and `delete_missing` fail
    nothing: the change is skipped, and the two sides differ."""
    last_error: str | None = None
    """What is known of it. The text of an error is in the subscriber's log alone."""
    slot: slots.SlotStatus | None = None
    slot_status: str | None = None
    """`reserved`, `extended`, `unreserved`, `lost: REASON` or `missing`."""
    retained_bytes: int | None = None
    lag_bytes: int | None = None
    """What the publisher has written and the subscriber has not confirmed to have on disk."""
    lag_seconds: float | None = None
    """Age of the last marker applied by the publisher's clock, 0 if it is the publisher's last."""
    written_lsn: int | None = None
    applied_lsn: int | None = None
    """What the subscriber has confirmed; both positions in bytes."""
    unreachable: tuple[Side, ...] = ()

    @property
    def lost(self) -> bool:
        """Whether changes are gone for ever: the move starts over."""
        return self.slot is not None and self.slot.lost

    @property
    def gone(self) -> bool:
        """Whether the slot is lost, or is not there at all."""
        return self.lost or self.slot_status == "missing"

    def faults(self, since: Health | None = None) -> list[str]:
        """Why the stream cannot be trusted to be up to date, for people; empty if it can.

        Errors and skipped changes count only when they are more than in `since`, an earlier look.
        """
        before = since or Health()
        found = [f"the {side} does not answer" for side in self.unreachable]
        if self.enabled is None:
            found += [] if self.unreachable else ["there is no subscription"]
        elif not self.enabled:
            found.append("the subscription is disabled")
        elif not self.worker_running:
            found.append("no worker applies changes")
        if self.slot_status is not None and (self.slot is None or self.slot.lost):
            found.append(f"the slot is {self.slot_status}")
        if (self.errors or 0) > (before.errors or 0):
            found.append(f"applying failed {(self.errors or 0) - (before.errors or 0)} times")
        found += [
            f"{count} changes met {kind}"
            for kind, count in self.conflicts.items()
            if count > before.conflicts.get(kind, 0)
        ]
        return found

    def caught_up(self, position: int | str, since: Health | None = None) -> bool:
        """Whether it works, nothing failed since, and all up to a position is applied."""
        wanted = positions.number(position) if isinstance(position, str) else position
        applied = self.applied_lsn
        return not self.faults(since) and applied is not None and applied >= wanted


def look(name: str, publisher: Database, subscriber: Database, waiting: str) -> Health:
    """Look at both sides of the stream `name`; its slot may still be the one that waits."""
    known: dict[str, Any] = {}
    unreachable: list[Side] = []
    markers: dict[Side, tuple[Any, ...] | None] = {}
    try:
        with subscriber.session("status", timeout=_ANSWER_SECONDS) as connection:
            known |= _of_subscription(connection, name)
            markers[subscriber.side] = _marker(connection, publisher.side)
    except psycopg.OperationalError:
        unreachable.append(subscriber.side)
    # Asked second: what is confirmed by then includes what the subscriber showed.
    try:
        with publisher.session("status", timeout=_ANSWER_SECONDS) as connection:
            known |= _of_slot(connection, name, waiting)
            markers[publisher.side] = _marker(connection, publisher.side)
    except psycopg.OperationalError:
        unreachable.append(publisher.side)
    own, applied = markers.get(publisher.side), markers.get(subscriber.side)
    if own is not None and applied is not None and applied[0]:
        late = (own[1] - applied[1]).total_seconds() + own[2]
        known["lag_seconds"] = 0.0 if applied[0] >= own[0] else max(0.0, late)
    return Health(**known, unreachable=tuple(unreachable))


def _of_subscription(connection: Connection, name: str) -> dict[str, Any]:
    found = subscriptions.find(connection, name)
    if found is None:
        return {}
    known: dict[str, Any] = {
        "enabled": found.enabled,
        "worker_running": subscriptions.worker(connection, found) is not None,
        "errors": 0,
    }
    row = connection.execute(_FAILURES, (found.oid,)).fetchone()
    if row is not None:
        known["errors"] = int(row[0])
        known["conflicts"] = {
            key.removeprefix("confl_"): int(value)
            for key, value in row[1].items()
            if key.startswith("confl_") and value
        }
    known["last_error"] = _last_error(known)
    return known


def _last_error(known: dict[str, Any]) -> str | None:
    """All that SQL tells of it, in any version."""
    if known["errors"]:
        kinds = ", ".join(f"{kind} {n}" for kind, n in known.get("conflicts", {}).items())
        met = f" ({kinds})" if kinds else ""
        return f"applying failed {known['errors']} times{met}; the subscriber's log has the text"
    if known["enabled"] and not known["worker_running"]:
        return (
            "no worker runs: it is starting, or it cannot reach the publisher; the subscriber's "
            "log has the text"
        )
    return None


def _of_slot(connection: Connection, name: str, waiting: str) -> dict[str, Any]:
    found = slots.statuses(connection, [name, waiting])
    slot = found.get(name) or found.get(waiting)
    row = connection.execute(_POSITION).fetchone()
    assert row is not None
    if slot is None:
        return {"slot_status": "missing", "written_lsn": row[0]}
    status = slot.wal_status
    if slot.lost:
        status = f"lost: {slot.invalidation}" if slot.invalidation else "lost"
    return {
        "slot": slot,
        "slot_status": status,
        "retained_bytes": slot.retained_bytes,
        "written_lsn": row[0],
        "applied_lsn": slot.confirmed,
        "lag_bytes": None if slot.confirmed is None else max(0, row[0] - slot.confirmed),
    }


def _marker(connection: Connection, side: Side) -> tuple[Any, ...] | None:
    try:
        return connection.execute(_MARKER, (side,)).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    except psycopg.errors.InvalidSchemaName:
        return None
