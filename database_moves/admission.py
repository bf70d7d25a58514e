"""Says which command a move takes in which phase; a refusal names the commands it does take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from database_moves import next_steps
from database_moves.errors import RefusedError

if TYPE_CHECKING:
    from database_moves.state import MoveState, Phase

Verb = Literal["move", "cutover", "rollback", "finish", "abort"]

# A swap that was begun is gone on with by `move` and by its own command; others settle it as it
# stands. Once an end was begun, nothing but the same end is left.
_ALLOWED: dict[Verb, tuple[Phase, ...]] = {
    "move": (
        *("schema", "copy", "indexes", "follow", "verify", "ready"),
        *("cutover", "soak", "rollback", "rolled-back"),
    ),
    "cutover": ("ready", "cutover", "soak", "rollback", "rolled-back"),
    "rollback": ("cutover", "soak", "rollback", "rolled-back"),
    "finish": ("soak", "rolled-back", "finishing", "finished"),
    "abort": (
        *("schema", "copy", "indexes", "follow", "verify", "ready"),
        *("cutover", "rollback", "rolled-back", "aborting", "aborted"),
    ),
}

_CANNOT: dict[Verb, str] = {
    "move": "can't be gone on with",
    "cutover": "can't be cut over",
    "rollback": "can't be rolled back",
    "finish": "can't be finished",
    "abort": "can't be given up",
}


def allowed(verb: Verb, phase: Phase) -> bool:
    """Whether a command has something to do in a phase, or finds it done."""
    return phase in _ALLOWED[verb]


def admit(state: MoveState, verb: Verb) -> None:
    """Raise `RefusedError` unless the move takes the command in its phase."""
    move = state.request.move
    if verb == "rollback" and not state.request.options.rollback and allowed(verb, state.phase):
        raise RefusedError(
            f"move {move} can't be rolled back: it was begun with --no-rollback, so the source "
            "does not follow",
            remedy=f"`{state.request.commands.finish}` ends it",
        )
    if allowed(verb, state.phase):
        return
    if state.phase in ("finished", "aborted"):
        done = "given up (aborted)" if state.phase == "aborted" else "finished"
        when = f" on {state.ended:%Y-%m-%d at %H:%M} UTC" if state.ended else ""
        remedy = f"choose another name for another move: `patchworks database move {move[:37]}-2`"
        if state.request.driven_by is not None:
            remedy = f"`{state.request.driven_by.move}` goes on with the rest"
        raise RefusedError(
            f"move {move} {_CANNOT[verb]}: it was {done}{when}, and its record keeps the name, "
            "whatever has become of the databases",
            remedy=remedy,
        )
    commands = [f"`{step.command}`" for step in next_steps.remaining(state) if step.command]
    raise RefusedError(
        f"move {move} {_CANNOT[verb]} in the phase {state.phase}, in which the {state.serving} "
        "serves",
        remedy=f"what it takes now: {', '.join(commands)}",
    )
