"""What is asked of the queue, and what became of it: the stored forms, without any credential."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from database_moves.options import MoveOptions

Outcome = Literal["moved", "refused", "aborted", "failed"]


class Stored(BaseModel):
    """A part of what is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Order(Stored):
    """One tenant's move, as it was put into the queue."""

    version: Literal[1] = 1
    tenant: str
    source: str = Field(description="The placement that serves, as `cell/database`.")
    target: str = Field(description="The declared placement; a worker refuses another one.")
    leaves: str = Field(description="The server that it leaves, whose limit it counts against.")
    arrives: str = Field(description="The server that it comes to.")
    priority: int = Field(ge=1, description="Lower goes first.")
    finish: bool = Field(False, description="End the move as soon as everything agrees.")
    options: MoveOptions


class Ended(Stored):
    """What became of one tenant's move; the output of its workflow."""

    version: Literal[1] = 1
    outcome: Outcome
    exit: int = Field(description="As the command for one tenant would have ended.")
    text: str
    serving: str | None = Field(None, description="The placement that serves then, if known.")
    move: str | None = None
    pause_seconds: float | None = Field(None, description="How long writes waited.")
    disagreements: tuple[str, ...] = Field((), description="What the consistency check found.")


class Limits(Stored):
    """How many tenants move at once."""

    per_source: int = Field(2, ge=1, le=100, description="From one server.")
    per_target: int = Field(2, ge=1, le=100, description="To one server.")
    per_worker: int = Field(2, ge=1, le=100, description="Driven by one worker.")
