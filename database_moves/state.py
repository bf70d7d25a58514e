"""What is stored of a move: a versioned type of its own, without any credential."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from database_moves import driven_by
from database_moves.driven_by import DrivenBy
from database_moves.options import MoveOptions

Side = Literal["source", "target"]

Phase = Literal[
    "schema",
    "copy",
    "indexes",
    "follow",
    "verify",
    "ready",
    "cutover",
    "soak",
    "rollback",
    "rolled-back",
    "finishing",
    "finished",
    "aborting",
    "aborted",
]


class Stored(BaseModel):
    """A part of the stored state."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(Stored):
    """One of the two databases."""

    side: Side
    address: str = Field(description="Host, port and database; no credential.")
    system_identifier: str
    database_oid: int
    server_version: int = Field(description="As PostgreSQL numbers it, such as 160014.")


class Request(Stored):
    """What was asked for when the move began; the input of the workflow."""

    version: Literal[1] = 1
    move: str
    source: Place
    target: Place
    options: MoveOptions
    warnings: tuple[str, ...] = Field((), description="What the preflight warned of.")
    at: datetime
    driven_by: DrivenBy | None = Field(
        None, description="What people run where that is not `patchworks database`."
    )

    @property
    def commands(self) -> DrivenBy:
        """What people run to drive this move."""
        return self.driven_by or driven_by.database(self.move)


class StepRecord(Stored):
    """One step that ended well."""

    name: str
    began: datetime
    ended: datetime
    note: str = ""
    figures: dict[str, float] = Field({}, description="Such as rows, bytes, retries.")

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended - self.began).total_seconds()


class TableVerified(Stored):
    """What verification found in one table."""

    table: str
    rows: int
    differences: int


class VerificationRecord(Stored):
    """What verification found."""

    ended: datetime
    tables: int
    rows: int
    reread: int = Field(description="Ranges that were read again, because rows were on their way.")
    differences: int
    largest: tuple[TableVerified, ...] = Field((), description="The largest tables first.")


class SwapRecord(Stored):
    """One exchange of the two sides: a cutover, or a rollback."""

    number: int
    to: Side = Field(description="The side that serves when it is done.")
    began: datetime
    ended: datetime
    outcome: Literal["done", "aborted"]
    reason: str = Field("", description="Why it was aborted.")
    pause_seconds: float = Field(
        description="How long writes waited; 0 where a mover that was interrupted could not tell."
    )
    effects: dict[str, float] = Field({}, description="Seconds of each part of the pause.")
    notes: tuple[str, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether it is known how long writes waited.

        It is not where the mover was interrupted in the pause, and its guard or a later run let
        clients go on.
        """
        return self.outcome == "aborted" or self.pause_seconds > 0


class MoveState(Stored):
    """All that is stored of one move."""

    version: Literal[1] = 1
    request: Request
    phase: Phase
    serving: Side
    steps: tuple[StepRecord, ...] = ()
    verification: VerificationRecord | None = None
    swaps: tuple[SwapRecord, ...] = ()
    ended: datetime | None = None
    error: str | None = Field(
        None, description="What the last try failed with, until a step ends well."
    )
    running: str | None = Field(
        None, description="The workflow that has not ended, if its process is gone or not."
    )

    def figure(self, name: str) -> float | None:
        """The latest figure of that name in any step."""
        found = [step.figures[name] for step in self.steps if name in step.figures]
        return found[-1] if found else None


class Sample(Stored):
    """What a running move measured at one moment; for progress and charts."""

    at: datetime
    phase: Phase
    step: str
    done: float = 0.0
    total: float | None = None
    unit: str = ""
    detail: str = ""
    lag_bytes: int | None = None
    lag_seconds: float | None = None
    retained_bytes: int | None = None
    wait_seconds: float | None = Field(
        None, description="How long the client that waited longest at a pooler had waited."
    )


class Failure(Stored):
    """A step that did not end well; it is done again when somebody goes on."""

    at: datetime
    step: str
    text: str


SAMPLES = "samples"
"""The stream of a workflow in which its samples are kept."""

FAILURES = "failures"
"""The stream of a workflow in which its failures are kept."""


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def stored(value: Stored) -> dict[str, Any]:
    """The form in which a value is stored."""
    return value.model_dump(mode="json")
