"""Says whether a move may end without one of its sides: one that is gone, and does not serve."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psycopg
from psycopg.pq import Ping

from database_moves import context as contexts
from database_moves import control
from database_moves.cutover import gate
from database_moves.database import gone
from database_moves.errors import RefusedError, UnansweredError
from database_moves.preflight import reaching

if TYPE_CHECKING:
    from database_moves.admission import Verb
    from database_moves.context import Context
    from database_moves.database import Database, Identity, Side
    from database_moves.driven_by import DrivenBy
    from database_moves.state import MoveState, Place

ENDS: tuple[Verb, ...] = ("finish", "abort")
"""The commands that may do without a side."""


def may_end(context: Context, state: MoveState, verb: Verb, without: Side) -> None:
    """Raise `RefusedError` where the side that is left out is there, or where it is to serve."""
    known = state.request.source if without == "source" else state.request.target
    check_gone(context.database(without), known)
    other = contexts.other(without)
    if verb == "finish" and state.serving == without:
        raise RefusedError(
            f"the {without} serves by what was recorded: a move is not finished without it",
            remedy="bring its server back, from a backup if need be, and run the command again",
        )
    with context.database(other).session("gate") as connection:
        state_now = gate.read(connection).state if control.exists(connection) else None
    if verb == "abort" and without == "target" and state_now in ("handed-over", "closed"):
        raise RefusedError(
            f"the gate of the source is {state_now}: the target was to serve, and may hold writes "
            "that are nowhere else",
            remedy="bring the target's server back, from a backup if need be",
        )
    if verb == "abort" and without == "source" and state_now == "open":
        raise RefusedError(
            "the target serves",
            remedy=f"`{context.commands.finish} --without source`",
        )


def unanswered(
    database: Database, verb: Verb, commands: DrivenBy, error: psycopg.Error
) -> UnansweredError:
    """What to raise where a side does not answer: how to go on when it does, and when never."""
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    there = psycopg.pq.PGconn.ping(database.conninfo(connect_timeout="5").encode()) == Ping.OK
    if there:
        remedy = "see to that and run the same command again"
        return UnansweredError(f"the {database.side} lets no session in: {said}", remedy=remedy)
    remedy = "run the same command again when it does"
    if verb in ENDS and commands.without:
        run = commands.finish if verb == "finish" else commands.abort
        remedy += f"; if it is gone for good: `{run} --without {database.side}`"
    return UnansweredError(f"the {database.side} does not answer: {said}", remedy=remedy)


def refused(database: Database, error: psycopg.Error) -> RefusedError:
    """What to raise where a move would begin, and a side is not reached."""
    fault, remedy = reaching.fault(database, error)
    return RefusedError(f"the {database.side} {fault}", remedy=remedy)


def identity(database: Database) -> Identity:
    """Which database it is."""
    with database.session("begin") as connection:
        return database.identity(connection)


def check_gone(database: Database, known: Place | None) -> None:
    """Raise `RefusedError` where a database answers, or its server does.

    One that is not the `known` one counts as gone: it was made anew.
    """
    again = "run the command without --without"
    try:
        found = identity(database)
    except psycopg.OperationalError as error:
        # A server that is only slow must not be taken for one that is gone.
        if psycopg.pq.PGconn.ping(database.conninfo(connect_timeout="30").encode()) in (
            Ping.NO_RESPONSE,
            Ping.NO_ATTEMPT,
        ):
            return
        with contextlib.suppress(psycopg.OperationalError):
            if gone(database):
                return
        said = next(iter(str(error).strip().splitlines()), "no session")
        raise RefusedError(
            f"the {database.side}'s server is there, though it lets no session in: {said}",
            remedy=f"see to that, and {again}",
        ) from error
    if known is None or found == (known.system_identifier, known.database_oid):
        raise RefusedError(f"the {database.side} answers: {database.address}", remedy=again)
