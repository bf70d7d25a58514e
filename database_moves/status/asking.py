"""Asks one side how it is, within seconds and whatever state its server is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from database_moves import control, lease, locks
from database_moves.cutover import gate
from database_moves.errors import MoveError
from database_moves.replication.removal import leftovers

if TYPE_CHECKING:
    from database_moves.database import Database
    from database_moves.lease import Holder
    from database_moves.replication.removal import Leftover
    from database_moves.state import Place

ANSWER_SECONDS = 5.0
"""How long a side may take to let a session in."""


@dataclass(frozen=True)
class Answer:
    """What a side says of itself; with `error` nothing else is known."""

    error: str | None = None
    gate: str | None = None
    made: tuple[Leftover, ...] = ()
    holder: Holder | None = None
    held_up: tuple[str, ...] = ()
    """Whose locks the mover waits for."""


def ask(database: Database, known: Place, move: str) -> Answer:
    """What a side says now; a server that is down is an answer, too."""
    settings = {"statement_timeout": "10s", "lock_timeout": "2s"}
    try:
        with database.session("status", timeout=ANSWER_SECONDS, settings=settings) as connection:
            identity = database.identity(connection)
            if identity != (known.system_identifier, known.database_oid):
                return Answer(
                    error=f"{database.address} is not the {known.side} of this move, which began "
                    f"with {known.address}"
                )
            state = gate.read(connection).state if control.exists(connection) else None
            holder = lease.holder(connection)
            held_up = tuple(map(str, locks.waited_for(connection)))
        made = leftovers(database, move)
        return Answer(gate=state, made=made, holder=holder, held_up=held_up)
    except psycopg.Error as error:
        return Answer(error=said(error))
    except MoveError as error:
        return Answer(error=error.message)


def said(error: psycopg.Error) -> str:
    """An error of libpq or a server on one line; neither repeats a password."""
    text = error.diag.message_primary or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
