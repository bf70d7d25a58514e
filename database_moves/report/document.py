"""Makes the report of a move from what is stored of it: plain data of a documented shape."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from database_moves import next_steps
from database_moves.report import wording
from database_moves.report.thinning import thin
from database_moves.state import MoveState, Phase, Sample, Side, StepRecord, SwapRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from database_moves.state import Place
    from database_moves.verification.result import Verification

LISTED = 200
"""Tables and differences that a report lists; all are counted."""

SAMPLES = 2_000
"""Samples that a report keeps of a move of any length."""


class Part(BaseModel):
    """A part of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(Part):
    """One of the two databases."""

    address: str = Field(description="Host, port and database; no credential.")
    server_version: int = Field(description="As PostgreSQL numbers it, such as 160014.")


class Table(Part):
    """What verification found in one table."""

    table: str
    rows: int
    differences: int


class Difference(Part):
    """One row or object that is not on the follower as it is on the serving side."""

    table: str
    kind: str
    key: dict[str, str] = Field({}, description="The key's columns as text.")
    columns: tuple[str, ...] = ()


class Verified(Part):
    """What verification found."""

    ended: datetime | None
    tables: int
    rows: int
    reread: int = Field(description="Ranges read again, because rows were on their way.")
    differences: int
    unverified: tuple[str, ...] = Field((), description="Tables that were not compared.")
    listed_tables: tuple[Table, ...] = Field((), description="The largest first, up to 200.")
    listed_differences: tuple[Difference, ...] = Field((), description="Up to 200.")

    @property
    def agrees(self) -> bool:
        """Whether every table was compared and every row proven equal."""
        return not self.differences and not self.unverified


class Remains(Part):
    """One thing that a person may or must do next."""

    text: str
    command: str | None


class MoveReport(Part):
    """The report of one move of a database. All times are UTC, sizes bytes, durations seconds."""

    version: Literal[1] = 1
    generated: datetime
    move: str
    headline: str = Field(description="Who serves and why, as one sentence.")
    phase: Phase
    serving: Side
    source: Server
    target: Server
    began: datetime
    ended: datetime | None
    bytes: int | None = Field(description="Bytes copied.")
    rows: int | None = Field(description="Rows copied.")
    writes_waited: float | None = Field(
        description="How long writes waited in the latest swap that was done."
    )
    longest_wait: float | None = Field(
        description="The longest that a client was seen to wait at a pooler around a swap."
    )
    verification: Verified | None
    remains: tuple[Remains, ...]
    warnings: tuple[str, ...] = Field(description="What the preflight warned of.")
    error: str | None
    options: dict[str, Any]
    steps: tuple[StepRecord, ...]
    swaps: tuple[SwapRecord, ...]
    samples: tuple[Sample, ...] = Field(description="At most 2,000, in order; peaks are kept.")

    def address(self, side: Side) -> str:
        """The address of a side."""
        return (self.source if side == "source" else self.target).address


def report(
    state: MoveState,
    samples: Iterable[Sample],
    verification: Verification | None,
    generated: datetime,
) -> MoveReport:
    """The report of a move, finished or not.

    `verification` gives each table and difference where the process that verified still knows
    them; without it the report has the summary that is stored.
    """
    request = state.request
    kept = sorted(samples, key=lambda sample: sample.at)
    done = [swap for swap in state.swaps if swap.outcome == "done"]
    rows, size = state.figure("rows"), state.figure("bytes")
    return MoveReport(
        generated=generated,
        move=request.move,
        headline=_headline(state),
        phase=state.phase,
        serving=state.serving,
        source=_server(request.source),
        target=_server(request.target),
        began=request.at,
        ended=state.ended,
        bytes=None if size is None else int(size),
        rows=None if rows is None else int(rows),
        writes_waited=done[-1].pause_seconds if done and done[-1].measured else None,
        longest_wait=_longest_wait(state, kept),
        verification=_detailed(state, verification) if verification else _stored(state),
        remains=tuple(
            Remains(text=step.text, command=step.command) for step in next_steps.remaining(state)
        ),
        warnings=request.warnings,
        error=state.error,
        options=request.options.model_dump(mode="json"),
        steps=state.steps,
        swaps=state.swaps,
        samples=tuple(thin(kept, SAMPLES)),
    )


def around(swap: SwapRecord, samples: Iterable[Sample], seconds: float) -> list[Sample]:
    """The samples of clients' waits from so long before a swap to so long after it."""
    return [
        sample
        for sample in samples
        if sample.wait_seconds is not None
        and (sample.at - swap.began).total_seconds() >= -seconds
        and (sample.at - swap.ended).total_seconds() <= seconds
    ]


def _headline(state: MoveState) -> str:
    request = state.request
    serving = request.source if state.serving == "source" else request.target
    who = f"{serving.address} ({wording.server(serving.server_version)}) serves"
    undone = bool(state.swaps) and state.swaps[-1].outcome == "aborted"
    match state.phase:
        case "finished" if state.serving == "target":
            return f"Moved and finished: {who}."
        case "finished":
            return f"Finished without the target: {who}, as before the move."
        case "soak":
            follows = ", and the old side follows it" if request.options.rollback else ""
            tried = "; the last try to go back was undone" if undone else ""
            return f"Moved: {who}{follows}{tried}."
        case "rolled-back":
            tried = "; the last cutover was undone" if undone else ""
            return f"Rolled back: {who} again{tried}."
        case "aborted":
            return f"Given up: {who}, as before the move."
        case "finishing" | "aborting":
            return f"Being ended: {who}."
        case "cutover" | "rollback":
            return f"A swap is under way: {who} until it is decided."
        case _ if undone:
            return f"The last cutover was undone: {who}, as before."
        case "ready":
            return f"Ready to cut over: {who}, and the target follows."
        case _:
            return f"Under way ({state.phase}): {who}."


def _server(place: Place) -> Server:
    return Server(address=place.address, server_version=place.server_version)


def _longest_wait(state: MoveState, samples: list[Sample]) -> float | None:
    waits = [
        sample.wait_seconds or 0.0 for swap in state.swaps for sample in around(swap, samples, 60)
    ]
    return max(waits, default=None)


def _stored(state: MoveState) -> Verified | None:
    found = state.verification
    if found is None:
        return None
    return Verified(
        ended=found.ended,
        tables=found.tables,
        rows=found.rows,
        reread=found.reread,
        differences=found.differences,
        listed_tables=tuple(
            Table(table=table.table, rows=table.rows, differences=table.differences)
            for table in found.largest[:LISTED]
        ),
    )


def _detailed(state: MoveState, found: Verification) -> Verified:
    largest = sorted(found.tables, key=lambda table: (-table.rows, table.table))
    # Tables with differences come first: the list must not end before them.
    largest.sort(key=lambda table: not table.counts)
    return Verified(
        ended=max((table.verified_at for table in found.tables), default=None)
        or (state.verification.ended if state.verification else None),
        tables=len(found.tables),
        rows=found.rows,
        reread=found.reread,
        differences=sum(found.counts.values()),
        unverified=found.unverified,
        listed_tables=tuple(
            Table(table=table.table, rows=table.rows, differences=sum(table.counts.values()))
            for table in largest[:LISTED]
        ),
        listed_differences=tuple(
            Difference(
                table=one.table, kind=one.kind, key=dict(one.key), columns=tuple(one.columns)
            )
            for one in found.differences[:LISTED]
        ),
    )
