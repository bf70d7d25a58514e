"""Takes a stream away from both sides, or from the one that answers, and tells what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import psycopg

from database_moves import crash_points, names
from database_moves.errors import MoveError
from database_moves.replication import publication, slots, subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from database_moves.database import Database, Side

    Connection = psycopg.Connection[tuple[Any, ...]]

Kind = Literal["subscription", "slot", "publication"]

_ANSWER_SECONDS = 5
_SLOT_SECONDS = 15
"""How long a slot may stay in use; its walsender is ended again and again meanwhile."""

_COMMANDS: dict[Kind, str] = {
    "subscription": "ALTER SUBSCRIPTION {0} DISABLE; "
    "ALTER SUBSCRIPTION {0} SET (slot_name = NONE); DROP SUBSCRIPTION {0};",
    "slot": "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
    "WHERE slot_name = '{0}';",
    "publication": "DROP PUBLICATION IF EXISTS {0};",
}


@dataclass(frozen=True)
class Remaining:
    """Something that could not be taken away."""

    side: Side
    kind: Kind
    name: str
    reason: str
    command: str
    """SQL that takes it away later, in that side's database."""
    unreachable: bool = False
    """Whether that is because the side does not answer, and not for what it answers."""


@dataclass(frozen=True)
class Leftover:
    """Something of a move that a database has."""

    kind: Kind
    name: str
    active: bool
    """A slot in use, an enabled subscription; a publication never is."""
    retained_bytes: int | None = None
    """Write-ahead log that a slot keeps."""
    status: str | None = None
    """Of a slot: `reserved`, `extended`, `unreserved` or `lost`."""


def waiting_slot(name: str) -> str:
    """The slot that is made before the pause and advanced in it; then `name` is copied from it."""
    return f"{name}_w"


def remove(name: str, publisher: Database, subscriber: Database) -> tuple[Remaining, ...]:
    """Remove all that exists of the stream; what is left because a side does not answer."""
    remaining = _on(subscriber, [("subscription", name, _drop_subscription)])
    crash_points.reached("stream.subscription-removed")
    remaining += _on(
        publisher,
        [
            ("slot", name, _drop_slot),
            ("slot", waiting_slot(name), _drop_slot),
            ("publication", name, publication.drop),
        ],
    )
    return tuple(remaining)


def leftovers(database: Database, move: str) -> tuple[Leftover, ...]:
    """What a database has of a move, in whichever direction; raises `psycopg.OperationalError`."""
    streams = [names.stream(move, direction) for direction in ("forward", "reverse")]
    found: list[Leftover] = []
    with database.session("status", timeout=_ANSWER_SECONDS) as connection:
        all_slots = [*streams, *map(waiting_slot, streams)]
        for slot in slots.statuses(connection, all_slots).values():
            if slot.ours:
                status = "lost" if slot.lost else slot.wal_status
                found.append(Leftover("slot", slot.name, slot.active, slot.retained_bytes, status))
        for name in streams:
            if publication.exists(connection, name):
                found.append(Leftover("publication", name, active=False))
            subscription = subscriptions.find(connection, name)
            if subscription is not None:
                found.append(Leftover("subscription", name, subscription.enabled))
    return tuple(found)


def _on(
    database: Database, tasks: list[tuple[Kind, str, Callable[[Connection, str], object]]]
) -> list[Remaining]:
    def left(kind: Kind, name: str, reason: str, *, unreachable: bool = False) -> Remaining:
        command = _COMMANDS[kind].format(name)
        return Remaining(database.side, kind, name, reason, command, unreachable)

    try:
        connection = database.connect("remove", timeout=_ANSWER_SECONDS)
    except psycopg.OperationalError:
        silent = f"{database.address} does not answer"
        return [left(kind, name, silent, unreachable=True) for kind, name, _ in tasks]
    remaining: list[Remaining] = []
    with connection:
        for kind, name, task in tasks:
            try:
                task(connection, name)
            except MoveError as error:
                remaining.append(left(kind, name, error.message))
            except psycopg.Error as error:
                said = error.diag.message_primary or str(error) or type(error).__name__
                remaining.append(left(kind, name, said.strip(), unreachable=not error.sqlstate))
    return remaining


def _drop_subscription(connection: Connection, name: str) -> None:
    subscriptions.drop(connection, name)


def _drop_slot(connection: Connection, name: str) -> None:
    slots.drop(connection, name, timeout=_SLOT_SECONDS)
