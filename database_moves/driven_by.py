"""What people run to drive a move: `patchworks database`, or the commands of what moves with it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class DrivenBy(BaseModel):
    """The commands of one move, as errors, status and report name them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    move: str = Field(description="Begins the move, or goes on with it.")
    cutover: str = Field(description="Lets the target serve.")
    rollback: str = Field(description="Lets the source serve again after a cutover.")
    finish: str = Field(description="Ends the move on the side that serves.")
    abort: str = Field(description="Gives the move up while the source serves.")
    status: str = Field(description="Shows the move while it is under way.")
    discard: str | None = Field(
        None,
        description="Keeps the source after a rollback and empties the target; none where "
        "`finish` does that.",
    )
    without: bool = Field(
        False, description="Whether `finish` and `abort` may leave out a side that is gone."
    )


def database(move: str) -> DrivenBy:
    """The commands of a database that moves by itself."""
    command = f"patchworks database {{}} {move}"
    return DrivenBy(
        move=command.format("move"),
        cutover=command.format("cutover"),
        rollback=command.format("rollback"),
        finish=command.format("finish"),
        abort=command.format("abort"),
        status=f"{command.format('status')} --watch",
        discard=command.format("abort"),
        without=True,
    )
