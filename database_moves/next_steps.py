"""Says what a person may do next with a move, with the exact commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from database_moves.state import MoveState


@dataclass(frozen=True)
class Next:
    """One thing to do: why, and the command, or None where there is nothing to run."""

    text: str
    command: str | None = None

    def __str__(self) -> str:
        return f"{self.text}: {self.command}" if self.command else self.text


def remaining(state: MoveState) -> tuple[Next, ...]:
    """What is left to do or may be done, the likeliest first; empty when all is done."""
    run = state.request.commands
    give_up = Next("Give the move up; the source serves on", run.abort)
    match state.phase:
        case "finished" | "aborted":
            return ()
        case "soak":
            held = Next(
                "Until the move is finished, the old side follows and a slot on the new one keeps "
                "write-ahead log for it"
            )
            ways = (
                Next("When you are content with the target, end the move", run.finish),
                Next("To serve from the source again", run.rollback),
            )
            return (*ways, held) if state.request.options.rollback else ways[:1]
        case "rolled-back":
            return (
                Next("To serve from the target again", run.cutover),
                Next("To keep the source and end the move", run.finish),
                *(
                    [Next("To keep the source and empty the target", run.discard)]
                    if run.discard is not None
                    else []
                ),
            )
        case "cutover":
            return (
                Next("A cutover has begun; to go on with it", run.cutover),
                Next("To settle it as it stands and give the move up", run.abort),
            )
        case "rollback":
            return (
                Next("A rollback has begun; to go on with it", run.rollback),
                Next("To settle it as it stands and keep the target", run.cutover),
            )
        case "finishing":
            return (Next("The end has begun; to complete it", run.finish),)
        case "aborting":
            return (Next("The way out has begun; to complete it", run.abort),)
        case "ready" if state.request.options.cutover == "manual":
            return (Next("To cut over", run.cutover), give_up)
        case "ready":
            return (Next("To cut over", run.move), give_up)
        case _:
            return (Next("To go on where it stopped", run.move), give_up)
