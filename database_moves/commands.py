"""What one can ask of a move: begin or go on, cut over, roll back, finish, give up."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from database_moves import context as contexts
from database_moves import durable, lease, names, store, workflow
from database_moves.errors import AbortedError, MoveError, RefusedError
from database_moves.preflight import preflight
from database_moves.state import MoveState, Place, Request, now, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.context import Context
    from database_moves.database import Database, Side
    from database_moves.options import MoveOptions
    from database_moves.preflight import Report


class PreflightRefusedError(RefusedError):
    """The preflight found what would stop the move; `report` says what and how to mend it."""

    def __init__(self, report: Report) -> None:
        refused = sum(verdict.level == "refused" for verdict in report.verdicts)
        super().__init__(f"the preflight refuses the move for {refused} reasons")
        self.report = report


def move(context: Context, url: str) -> MoveState:
    """Begin a move or go on with it, until it is ready or, with `cutover` auto, swapped.

    Raises `RefusedError` before anything is changed, `AbortedError` when a cutover was undone and
    the source serves, and `MoveError` where another run goes on.
    """
    with _held(context, url) as known:
        request = known.request if known is not None else _request(context)
        with _launched(context, url):
            _run(context, context.move, workflow.move, stored(request))
            state = _taken_up(context, url)
            if context.options.cutover == "auto" and state.phase == "ready":
                return _swap(context, url, state, "target")
            return state


def cutover(context: Context, url: str) -> MoveState:
    """Let the target serve; the source follows from then on."""
    return _swap_to(context, url, "target")


def rollback(context: Context, url: str) -> MoveState:
    """Let the source serve again, with every write that was made since the cutover."""
    return _swap_to(context, url, "source")


def finish(context: Context, url: str, *, dump: str | None, drop: bool) -> MoveState:
    """End a move in its soak: remove what it made.

    `dump` is a file for a last dump of the old database, `drop` deletes that database then.
    """
    with _held(context, url) as known:
        state = _expected(context, known)
        if state.phase not in ("soak", "cutover"):
            raise RefusedError(
                f"move {context.move} can't be finished in the phase {state.phase}",
                remedy="`database abort` gives up a move whose source serves",
            )
        with _launched(context, url):
            state = _taken_up(context, url)
            request = {"move": context.move, "serving": state.serving, "dump": dump, "drop": drop}
            _run(context, f"{context.move}.finish", workflow.finish, request)
            return _expected(context, _load(url, context.move))


def abort(context: Context, url: str) -> MoveState:
    """Give up a move while its source serves: the target is left as it was before."""
    with _held(context, url) as known:
        state = _expected(context, known)
        if state.running == context.move:
            # What was begun is not gone on with; a swap that was begun is settled first.
            with durable.reading(url) as client:
                client.cancel_workflow(context.move)
        with _launched(context, url):
            state = _taken_up(context, url)
            if state.serving == "target":
                raise RefusedError(
                    f"move {context.move} can't be given up: the target serves",
                    remedy="`database rollback` lets the source serve again",
                )
            _run(context, f"{context.move}.abort", workflow.abort, {"move": context.move})
            return _expected(context, _load(url, context.move))


@contextlib.contextmanager
def _held(context: Context, url: str) -> Iterator[MoveState | None]:
    """Be the only mover of these databases; the state of the move so far."""
    names.check(context.move)
    with lease.hold(context.source, context.target, context.move) as held:
        context.keep_lease = held.keep
        state = _load(url, context.move)
        if state is not None:
            _same_databases(context, state.request)
            context.options = _still_chosen(state.request.options, context.options)
            if state.phase in ("finished", "aborted"):
                raise RefusedError(
                    f"move {context.move} is {state.phase}", remedy="choose another name"
                )
        yield state


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


def _swap_to(context: Context, url: str, to: Side) -> MoveState:
    with _held(context, url) as known:
        state = _expected(context, known)
        if state.phase not in ("ready", "soak", "rolled-back", "cutover"):
            raise RefusedError(
                f"move {context.move} is in the phase {state.phase}",
                remedy=f"run `database move {context.move}` until it is ready",
            )
        with _launched(context, url):
            state = _taken_up(context, url)
            if state.serving == to:
                return state
            return _swap(context, url, state, to)


def _taken_up(context: Context, url: str) -> MoveState:
    """The state when a swap that was left pending has ended; launching took it up."""
    state = _expected(context, _load(url, context.move))
    if state.running is not None:
        durable.wait(state.running, context.check)
        state = _expected(context, _load(url, context.move))
    return state


def _swap(context: Context, url: str, state: MoveState, to: Side) -> MoveState:
    number = len(state.swaps) + 1
    request: dict[str, Any] = {"move": context.move, "to": to, "number": number}
    outcome = _run(context, f"{context.move}.swap.{number}", workflow.swap, request)
    if "refused" in outcome:
        raise RefusedError(outcome["refused"])
    if outcome["swap"]["outcome"] == "aborted":
        raise AbortedError(
            f"{contexts.other(to)} serves as before: {outcome['swap']['reason']}",
            remedy=f"{to} still follows; try `database cutover {context.move}` again, or give up "
            f"with `database abort {context.move}`, which removes the slot",
        )
    return _expected(context, _load(url, context.move))


def _run(context: Context, workflow_id: str, function: Any, request: dict[str, Any]) -> Any:
    return durable.run(workflow_id, function, request, context.check)


def _request(context: Context) -> Request:
    report = preflight(
        context.source,
        context.target,
        context.options,
        poolers=context.poolers,
        progress=context.progress,
    )
    if report.refused:
        raise PreflightRefusedError(report)
    return Request(
        move=context.move,
        source=_place(context.source),
        target=_place(context.target),
        options=context.options,
        warnings=tuple(
            f"{verdict.check}: {verdict.message}"
            for verdict in report.verdicts
            if verdict.level == "warning"
        ),
        at=now(),
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


def _same_databases(context: Context, request: Request) -> None:
    for side, known in (("source", request.source), ("target", request.target)):
        given = _place(context.source if side == "source" else context.target)
        if (given.system_identifier, given.database_oid) != (
            known.system_identifier,
            known.database_oid,
        ):
            raise RefusedError(
                f"move {request.move} has another {side}: it began with {known.address}, and was "
                f"given {given.address}",
                remedy="give the same databases, or another name for another move",
            )


def _expected(context: Context, state: MoveState | None) -> MoveState:
    if state is None:
        raise RefusedError(
            f"there is no move {context.move}", remedy="`database status` lists those known"
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
