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
    move = state.request.move
    command = f"patchworks database {{}} {move}"
    give_up = Next("Give the move up; the source serves on", command.format("abort"))
    match state.phase:
        case "finished" | "aborted":
            return ()
        case "soak":
            held = Next(
                "Until the move is finished, the old side follows and a slot on the new one keeps "
                "write-ahead log for it"
            )
            ways = (
                Next(
                    "When you are content with the target, end the move", command.format("finish")
                ),
                Next("To serve from the source again", command.format("rollback")),
            )
            return (*ways, held) if state.request.options.rollback else ways[:1]
        case "rolled-back":
            return (
                Next("To serve from the target again", command.format("cutover")),
                Next("To keep the source and end the move", command.format("finish")),
                Next("To keep the source and empty the target", command.format("abort")),
            )
        case "cutover":
            return (
                Next("A cutover has begun; to go on with it", command.format("cutover")),
                Next("To settle it as it stands and give the move up", command.format("abort")),
            )
        case "rollback":
            return (
                Next("A rollback has begun; to go on with it", command.format("rollback")),
                Next("To settle it as it stands and keep the target", command.format("cutover")),
            )
        case "finishing":
            return (Next("The end has begun; to complete it", command.format("finish")),)
        case "aborting":
            return (Next("The way out has begun; to complete it", command.format("abort")),)
        case "ready" if state.request.options.cutover == "manual":
            return (Next("To cut over", command.format("cutover")), give_up)
        case "ready":
            return (Next("To cut over", command.format("move")), give_up)
        case _:
            return (Next("To go on where it stopped", command.format("move")), give_up)
