"""The logical slot of a stream: the publisher keeps in it what its follower has not confirmed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from database_moves import crash_points
from database_moves.errors import MoveError, RefusedError
from database_moves.replication import positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    Connection = psycopg.Connection[tuple[Any, ...]]

# Which columns tell that a slot is invalid differs from 15 to 16, 17 and 18.
_SLOTS = """
SELECT s.slot_name, s.active, s.active_pid, coalesce(s.wal_status, 'lost'),
       coalesce(to_jsonb(s) ->> 'invalidation_reason',
                CASE WHEN to_jsonb(s) ->> 'conflicting' = 'true' THEN 'conflict' END),
       (pg_current_wal_lsn() - s.restart_lsn)::bigint,
       (s.confirmed_flush_lsn - '0/0'::pg_lsn)::bigint,
       s.database IS NOT DISTINCT FROM current_database() AND s.plugin = 'pgoutput'
  FROM pg_replication_slots AS s WHERE s.slot_name = ANY(%s) ORDER BY s.slot_name
"""

# A slot begins where no transaction is under way, in whichever database of the server.
_UNDER_WAY = """
SELECT format('process %s of %s in %s (%s), since %s', a.pid, coalesce(a.usename, '?'),
              coalesce(a.datname, '?'), coalesce(nullif(a.application_name, ''), 'unnamed'),
              coalesce(to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS'), '?'))
  FROM pg_stat_activity AS a WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid()
 UNION ALL
SELECT format('prepared transaction %L of %s in %s, since %s', p.gid, p.owner, p.database,
              to_char(p.prepared, 'YYYY-MM-DD HH24:MI:SS'))
  FROM pg_prepared_xacts AS p
"""


@dataclass(frozen=True)
class SlotStatus:
    """What a server says of one slot."""

    name: str
    active: bool
    active_pid: int | None
    """The walsender that uses it."""
    wal_status: str
    """`reserved`, `extended`, `unreserved` (about to be lost) or `lost`."""
    invalidation: str | None
    """Why it can never be used again, where the server says so."""
    retained_bytes: int | None
    """Write-ahead log that the server keeps for it."""
    confirmed: int | None
    """What the follower has confirmed to have on its disk, as a position in bytes."""
    ours: bool
    """Whether it belongs to this database, and is for native subscriptions."""

    @property
    def lost(self) -> bool:
        """Whether changes are gone that were never sent: the copy must start over."""
        return self.wal_status == "lost" or self.invalidation is not None


def statuses(connection: Connection, names: Sequence[str]) -> dict[str, SlotStatus]:
    """Those of the named slots that exist on the server."""
    return {row[0]: SlotStatus(*row) for row in connection.execute(_SLOTS, (list(names),))}


def status(connection: Connection, name: str) -> SlotStatus | None:
    """The slot, or None where the server has none of that name.

    Raises `RefusedError` when it is another database's.
    """
    found = statuses(connection, [name]).get(name)
    if found is not None and not found.ours:
        raise RefusedError(
            f"the server has a replication slot {name} of another database",
            remedy="choose another name for the move",
        )
    return found


def transactions_under_way(connection: Connection) -> list[str]:
    """The transactions that a slot's creation waits for, described for people."""
    return [row[0] for row in connection.execute(_UNDER_WAY)]


def create(connection: Connection, name: str, *, timeout: float) -> None:
    """Create the slot if there is none, within `timeout` seconds.

    It waits for every transaction under way on the server that has written. Raises `MoveError`
    naming those when they take too long; no slot is left then.
    """
    found = status(connection, name)
    if found is not None and found.lost:
        drop(connection, name, timeout=10)
    elif found is not None:
        return
    # Neither failover nor two_phase: both are off by default wherever they exist.
    try:
        connection.execute(f"SET statement_timeout = {max(1, round(timeout * 1000))}")
        connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (name,))
    except psycopg.errors.QueryCanceled as error:
        waited_for = "; ".join(transactions_under_way(connection)) or "none is left now"
        raise MoveError(
            f"creating the slot {name} waited {timeout:g} s for transactions under way: "
            f"{waited_for}",
            remedy="let them end, or end them, and try again",
        ) from error
    except psycopg.errors.ConfigurationLimitExceeded as error:
        raise MoveError(
            "the server has no free replication slot",
            remedy="raise max_replication_slots or drop a slot that nobody uses",
        ) from error
    finally:
        connection.execute("SET statement_timeout = 0")


def flush(connection: Connection) -> int:
    """Put all that is committed on the disk, also what a subscription applied; the position.

    A subscription commits without waiting for the disk, so what it applied is seen before it would
    survive a crash. A commit that does wait takes all earlier ones with it.
    """
    # One statement, as each costs a pause its way there and back; its commit waits.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', true), "
        "pg_logical_emit_message(true, 'patchworks', 'flush')"
    )
    row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
    assert row is not None
    return positions.number(row[0])


def approach(connection: Connection, waiting: str, name: str) -> int:
    """Let the slot `waiting` pass over all that is committed, and drop `name`; the position."""
    found = status(connection, waiting)
    if found is None or found.lost:
        raise MoveError(f"the slot {waiting} is missing or lost", remedy="create it again")
    drop(connection, name, timeout=15)
    crash_points.reached("stream.slot-being-advanced")
    now = flush(connection)
    connection.execute(
        "SELECT pg_replication_slot_advance(%s, %s::pg_lsn)", (waiting, positions.text(now))
    )
    return now


def arrive(connection: Connection, waiting: str, name: str) -> None:
    """Make the slot `name` begin where the slot `waiting` is, which stays.

    The server keeps an advanced position in memory until its next checkpoint: after a crash the
    slot would stand where it stood before and send what it should not. A copied slot is on disk,
    position included, when the copy returns, for which the disk is waited for some ten times.
    """
    connection.execute("SELECT pg_copy_logical_replication_slot(%s, %s)", (waiting, name))


def drop(connection: Connection, name: str, *, timeout: float) -> None:
    """Drop the slot if there is one, ending the walsender that uses it.

    Raises `MoveError` when it is still used after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while (found := status(connection, name)) is not None:
        if found.active_pid is not None:
            connection.execute("SELECT pg_terminate_backend(%s)", (found.active_pid,))
        try:
            connection.execute("SELECT pg_drop_replication_slot(%s)", (name,))
        except psycopg.errors.ObjectInUse as error:
            if time.monotonic() >= deadline:
                raise MoveError(
                    f"the slot {name} is still used by process {found.active_pid}",
                    remedy="end that process and try again",
                ) from error
            time.sleep(0.02)
        except psycopg.errors.UndefinedObject:
            return
