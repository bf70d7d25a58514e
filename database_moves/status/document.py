"""How a move stands at one moment: plain data of a documented shape."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from database_moves.state import Phase, Side, SwapRecord, VerificationRecord

Trend = Literal["level", "nearer", "away"]


class Part(BaseModel):
    """A part of the status."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Made(Part):
    """Something that the move made in a database for replication."""

    kind: Literal["publication", "slot", "subscription"]
    name: str
    active: bool = Field(description="A slot in use, an enabled subscription.")
    retained_bytes: int | None = Field(description="Write-ahead log that a slot keeps.")
    wal_status: str | None = Field(description="Of a slot, such as reserved or lost.")


class SideNow(Part):
    """One of the two databases."""

    address: str = Field(description="Host, port and database; no credential.")
    server_version: int = Field(description="As PostgreSQL numbers it, when the move began.")
    answers: bool | None = Field(description="null where it was not asked.")
    error: str | None = Field(None, description="Why nothing is known of it, though it was asked.")
    gate: Literal["open", "fenced", "handed-over", "closed"] | None = Field(
        None, description="null also where it has none, before a move and after it."
    )
    made: tuple[Made, ...] = ()
    held_up: tuple[str, ...] = Field(
        (), description="Whose locks the mover waits for here, and how to end that."
    )


class Mover(Part):
    """The process that works on the move."""

    running: bool | None = Field(
        description="Whether one holds the lease in either database; null where neither was asked."
    )
    described: str | None = Field(None, description="Its process, role, machine and age.")
    heard_seconds: float | None = Field(
        None, description="Age of the last thing that a mover measured."
    )


class StepNow(Part):
    """The step under way, as the mover last measured it."""

    name: str
    at: datetime
    done: float
    total: float | None
    unit: str
    detail: str
    rate: float | None = Field(None, description="Of the unit, a second.")
    seconds_left: float | None = None


class Following(Part):
    """How the side that does not serve follows."""

    follower: Side
    measured: Literal["live", "stored"]
    at: datetime
    lag_bytes: int | None = None
    lag_seconds: float | None = None
    retained_bytes: int | None = Field(None, description="Write-ahead log that its slot keeps.")
    slot: str | None = Field(None, description="reserved, extended, unreserved, lost or missing.")
    faults: tuple[str, ...] = Field((), description="Why it can't be relied on, if it can't.")
    trend: Trend | None = None
    written_rate: float | None = Field(None, description="Bytes of write-ahead log a second.")
    applied_rate: float | None = Field(None, description="Bytes of write-ahead log a second.")
    seconds_left: float | None = Field(None, description="Until it has caught up.")


class ToDo(Part):
    """One thing that a person may or must do next."""

    text: str
    command: str | None


class MoveStatus(Part):
    """How one move stands. All times are UTC, sizes bytes, durations seconds."""

    version: Literal[1] = 1
    at: datetime
    move: str
    phase: Phase
    serving: Side | None = Field(description="null while writes wait in a swap.")
    serving_from: Literal["gates", "store"] = Field(
        description="Where that was read: the gates in the databases, or what the mover stored."
    )
    serving_note: str = ""
    source: SideNow
    target: SideNow
    mover: Mover
    step: StepNow | None
    following: Following | None
    verification: VerificationRecord | None
    swap: SwapRecord | None = Field(description="The latest cutover or rollback, done or undone.")
    error: str | None = Field(description="What the last try failed with, until one succeeds.")
    next: tuple[ToDo, ...]

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.phase in ("finished", "aborted")
