"""What one can ask of a move: begin or go on, cut over, roll back, finish, give up."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from database_moves import (
    admission,
    ahead,
    control,
    durable,
    lease,
    leaving_out,
    names,
    next_steps,
    store,
    workflow,
)
from database_moves import context as contexts
from database_moves.cutover import gate
from database_moves.database import gone
from database_moves.errors import AbortedError, MoveError, RefusedError
from database_moves.preflight import PreflightRefusedError
from database_moves.state import MoveState, Place, Request, now, stored
from database_moves.steps import last_dump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.admission import Verb
    from database_moves.context import Context
    from database_moves.database import Database, Side
    from database_moves.options import MoveOptions

_SWAPPING: dict[str, Side] = {"cutover": "target", "rollback": "source"}
"""The phases of a swap that has begun, and the side that is to serve."""


def move(context: Context, url: str) -> MoveState:
    """Begin a move or go on with it, until it is ready or, with `cutover` auto, swapped.

    Raises `RefusedError` before anything is changed, `AbortedError` when a swap was undone and
    the side that served serves, and `MoveError` where another run goes on.
    """
    with _admitted(context, url, "move") as known:
        request = known.request if known is not None else _request(context)
        with _launched(context, url):
            _run(context, context.move, workflow.move, stored(request))
            state = _taken_up(context, url)
            if context.options.cutover == "auto" and state.phase == "ready":
                return _swap(context, url, "target")
            return state


def cutover(context: Context, url: str) -> MoveState:
    """Let the target serve; the source follows from then on. Again changes nothing."""
    return _swap_to(context, url, "target", "cutover")


def rollback(context: Context, url: str) -> MoveState:
    """Let the source serve again, with every write that was made since the cutover."""
    return _swap_to(context, url, "source", "rollback")


def finish(
    context: Context, url: str, *, dump: str | None, drop: bool, without: Side | None = None
) -> MoveState:
    """End a move that was cut over, whichever side serves now: remove what it made.

    `dump` is a file for a last dump of the old database, `drop` deletes that database then.
    Without `drop` it is left, and lets nobody in. Again changes nothing. `without` leaves out the
    old side, whose server or database is gone for good.
    """
    if drop and dump is None:
        raise RefusedError("the old database is dropped after a last dump of it only")
    with _admitted(context, url, "finish", without) as known:
        state = _expected(context, known)
        if state.phase == "finished":
            return _finished(context, url, state, drop)
        if dump is not None:
            last_dump.check(Path(dump), fresh=state.phase != "finishing")
        return _end(
            context,
            url,
            "finish",
            {
                "move": context.move,
                "serving": state.serving,
                "dump": dump,
                "drop": drop,
                "without": without,
            },
        )


def abort(context: Context, url: str, *, without: Side | None = None) -> MoveState:
    """Give up a move while its source serves: the target is left as it was before.

    `without` leaves out a side that is gone for good. Without the source the target keeps what was
    copied, which may be the last copy, and lets nobody in.
    """
    with _admitted(context, url, "abort", without) as known:
        state = _expected(context, known)
        if state.phase == "aborted":
            return state
        # A swap that was begun is settled as it stands, which may show that the target serves.
        context.attempts = False
        return _end(context, url, "abort", {"move": context.move, "without": without})


def _end(context: Context, url: str, kind: Verb, request: dict[str, Any]) -> MoveState:
    """Run a workflow that ends the move, in place of whatever is under way."""
    with durable.reading(url) as client:
        number = len(store.begun(client, context.move, kind)) + 1
        for pending in store.pending(client, context.move):
            # Not gone on with; an end that was begun with other options neither. A swap is settled
            # with both sides where they are there, and else by the end itself.
            if not pending.startswith(f"{context.move}.swap.") or request["without"]:
                client.cancel_workflow(pending)
    function = workflow.finish if kind == "finish" else workflow.abort
    with _launched(context, url):
        admission.admit(_taken_up(context, url), kind)
        _run(context, f"{context.move}.{kind}.{number}", function, request)
        return _expected(context, _load(url, context.move))


def _finished(context: Context, url: str, state: MoveState, drop: bool) -> MoveState:
    with durable.reading(url) as client:
        dropped = any(asked["drop"] for asked in store.begun(client, context.move, "finish"))
    if drop and not dropped:
        raise RefusedError(
            f"move {context.move} is finished already, and left the old database",
            remedy="dump it with pg_dump and drop it with DROP DATABASE",
        )
    return state


@contextlib.contextmanager
def _admitted(
    context: Context, url: str, verb: Verb, without: Side | None = None
) -> Iterator[MoveState | None]:
    """Be the only mover of these databases; the state of the move, which takes the command."""
    names.check(context.move)
    state = _load(url, context.move)
    if verb != "move":
        _expected(context, state)
    if state is not None:
        admission.admit(state, verb)
        if state.phase in ("finished", "aborted"):
            yield state
            return
    if without is not None:
        leaving_out.may_end(context, _expected(context, state), verb, without)
        databases = [context.database(contexts.other(without))]
    else:
        databases = _databases(context, state, verb)
    with lease.hold(databases, context.move) as held:
        context.keep_lease = held.keep
        if held.waited and context.ahead is not None:
            context.ahead.look_again()
        # Another mover may have been waited for.
        state = _load(url, context.move)
        if state is not None:
            admission.admit(state, verb)
            _same_databases(databases, state.request)
            for database in databases:
                _same_role(database, context.move)
            context.options = _still_chosen(state.request.options, context.options)
        yield state


def _databases(context: Context, state: MoveState | None, verb: Verb) -> list[Database]:
    """The two databases of the move, or the one that its end has left."""
    if state is not None and state.phase == "finishing":
        old = context.database(contexts.other(state.serving))
        if gone(old):
            return [context.database(state.serving)]
    databases = [context.source, context.target]
    found = []
    for database in databases:
        try:
            found.append(leaving_out.identity(database))
        except psycopg.OperationalError as error:
            if state is None:
                raise leaving_out.refused(database, error) from error
            raise leaving_out.unanswered(database, verb, context.commands, error) from error
    if found[0] == found[1]:
        raise RefusedError(
            "source and target are the same database: "
            f"{context.source.address} and {context.target.address}",
            remedy="give the empty database to move to as the target",
        )
    return databases


@contextlib.contextmanager
def _launched(context: Context, url: str) -> Iterator[None]:
    contexts.enter(context)
    try:
        with durable.launched(context.move, url):
            yield
    finally:
        # A step that is still under way ends at its next report.
        context.stopping.set()
        contexts.leave(context.move)


def _swap_to(context: Context, url: str, to: Side, verb: Verb) -> MoveState:
    with _admitted(context, url, verb) as known:
        state = _expected(context, known)
        # One that was begun the other way is not tried again.
        context.attempts = _SWAPPING.get(state.phase, to) == to
        with _launched(context, url):
            state = _taken_up(context, url)
            if state.serving == to:
                return state
            context.attempts = True
            return _swap(context, url, to)


def _taken_up(context: Context, url: str) -> MoveState:
    """The state when what was left pending has ended; launching took it up."""
    state = _expected(context, _load(url, context.move))
    if state.running is None:
        return state
    outcome = durable.wait(state.running, context.check)
    to = _SWAPPING.get(state.phase)
    state = _expected(context, _load(url, context.move))
    if to is not None and context.attempts:
        _judge(outcome, to, state)
    return state


def _swap(context: Context, url: str, to: Side) -> MoveState:
    with durable.reading(url) as client:
        number = len(store.begun(client, context.move, "swap")) + 1
    request: dict[str, Any] = {"move": context.move, "to": to, "number": number}
    outcome = _run(context, f"{context.move}.swap.{number}", workflow.swap, request)
    state = _expected(context, _load(url, context.move))
    _judge(outcome, to, state)
    return state


def _judge(outcome: dict[str, Any], to: Side, state: MoveState) -> None:
    """Raise what an outcome of a swap means to whoever asked for it."""
    if "refused" in outcome:
        raise RefusedError(outcome["refused"])
    if outcome["swap"]["outcome"] == "aborted":
        commands = [f"`{way.command}`" for way in next_steps.remaining(state) if way.command]
        raise AbortedError(
            f"the {contexts.other(to)} serves as before: {outcome['swap']['reason']}",
            remedy=f"the {to} still follows; what the move takes now: {', '.join(commands)}",
        )


def _run(context: Context, workflow_id: str, function: Any, request: dict[str, Any]) -> Any:
    return durable.run(workflow_id, function, request, context.check)


def _request(context: Context) -> Request:
    for database in (context.source, context.target):
        _unclaimed(database, context)
    looked = context.ahead
    report = looked.report() if looked is not None else ahead.examine(context, context.progress)
    if report.refused:
        raise PreflightRefusedError(report)
    warnings = tuple(
        f"{verdict.check}: {verdict.message}"
        for verdict in report.verdicts
        if verdict.level == "warning"
    )
    for warning in warnings:
        context.tell(f"warning: {warning}")
    return Request(
        move=context.move,
        source=_place(context.source),
        target=_place(context.target),
        options=context.options,
        warnings=warnings,
        at=now(),
        driven_by=context.driven_by,
    )


def _place(database: Database) -> Place:
    with database.session("begin") as connection:
        identity = database.identity(connection)
        return Place(
            side=database.side,
            address=database.address,
            system_identifier=identity.system_identifier,
            database_oid=identity.database_oid,
            server_version=connection.info.server_version,
        )


def _still_chosen(began: MoveOptions, given: MoveOptions) -> MoveOptions:
    """What was chosen when the move began, but for what is given now."""
    return began.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})


def _unclaimed(database: Database, context: Context) -> None:
    """Raise `RefusedError` where a database is in another move, which nobody may be running."""
    with database.session("begin") as connection:
        other = gate.claimant(connection)
    if other not in (None, context.move):
        how = f"`patchworks database status {other}`"
        if context.driven_by is not None:
            how = "by the commands that it was begun with"
        raise RefusedError(
            f"{database.address} is in the move {other}",
            remedy=f"finish that one or give it up first: {how}",
        )


def _same_role(database: Database, move: str) -> None:
    """Raise `RefusedError` where this role may not do what a move's does: half would be done."""
    with database.session("begin") as connection:
        owner = control.foreign_owner(connection)
    if owner is not None:
        raise RefusedError(
            f"{database.address}: the move {move} belongs to the role {owner}, whose rights this "
            "one has not",
            remedy=f"give the connection string of {owner} for the {database.side}",
        )


def _same_databases(databases: list[Database], request: Request) -> None:
    for database in databases:
        known = request.source if database.side == "source" else request.target
        found = leaving_out.identity(database)
        if found == (known.system_identifier, known.database_oid):
            continue
        if database.address != known.address:
            raise RefusedError(
                f"move {request.move} has another {database.side}: it began with {known.address}, "
                f"and was given {database.address}",
                remedy="give the same databases, or another name for another move",
            )
        run = request.commands
        remedy = "bring that one back, from a backup if need be, and run the same command again"
        if run.without:
            remedy = (
                "give another move another name; to give this one up, "
                f"`{run.abort} --without {database.side}`"
            )
        raise RefusedError(
            f"{database.address} is not the database that move {request.move} began with: that one "
            "was dropped, or its server made anew, since",
            remedy=remedy,
        )


def _expected(context: Context, state: MoveState | None) -> MoveState:
    if state is None:
        known = "`database status` lists those known"
        raise RefusedError(
            f"there is no move {context.move}",
            remedy=known if context.driven_by is None else f"`{context.commands.move}` begins one",
        )
    return state


def _load(url: str, move: str) -> MoveState | None:
    with durable.reading(url) as client:
        return store.load(client, move)


__all__ = [
    "MoveError",
    "PreflightRefusedError",
    "abort",
    "cutover",
    "finish",
    "move",
    "rollback",
]
