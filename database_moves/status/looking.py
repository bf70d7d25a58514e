"""Looks at a move: what is stored of it, and what both servers say now where they can be asked."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from database_moves import next_steps, store
from database_moves.context import other
from database_moves.replication.stream import Stream
from database_moves.replication.trend import LagTrend
from database_moves.state import now
from database_moves.status import pace
from database_moves.status.asking import Answer, ask
from database_moves.status.document import Made, Mover, MoveStatus, SideNow, ToDo
from database_moves.status.serving import serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbos import DBOSClient

    from database_moves.database import Database
    from database_moves.replication.health import Health
    from database_moves.state import MoveState, Place, Side
    from database_moves.status.document import Following

SECOND_LOOK = 1.0
"""Seconds between the two looks that the first trend is made of."""

FOLLOWING = ("follow", "verify", "ready", "cutover", "soak", "rollback", "rolled-back")
"""The phases in which one side follows the other."""


@dataclass
class Look:
    """Looks at one move, as often as asked; the trend of the lag grows with each look.

    `source` and `target` are None where a side is not to be asked.
    """

    client: DBOSClient
    move: str
    source: Database | None
    target: Database | None
    _samples: store.Samples = field(init=False)
    _trend: LagTrend = field(default_factory=LagTrend)
    _first: Health | None = None

    def __post_init__(self) -> None:
        self._samples = store.Samples(self.client, self.move)

    def status(self) -> MoveStatus | None:
        """How the move stands, or None where there is no such move."""
        state = store.load(self.client, self.move)
        if state is None:
            return None
        samples = self._samples.read()
        answers = self._ask(state)
        gates: dict[Side, str | None] = {
            side: answer.gate for side, answer in answers.items() if answer.error is None
        }
        serves = serving(gates, state.serving)
        mover = Mover(
            running=_running(self.move, answers),
            described=next((a.holder.described for a in answers.values() if a.holder), None),
            heard_seconds=(now() - samples[-1].at).total_seconds() if samples else None,
        )
        following = None
        swapped = any(swap.outcome == "done" for swap in state.swaps)
        if state.phase in FOLLOWING and (state.request.options.rollback or not swapped):
            follower = other(serves.side or state.serving)
            following = self._live(follower, answers) or pace.stored_lag(follower, state, samples)
        return MoveStatus(
            at=now(),
            move=self.move,
            phase=state.phase,
            serving=serves.side,
            serving_from=serves.read_from,
            serving_note=serves.note,
            source=_side(state.request.source, answers.get("source")),
            target=_side(state.request.target, answers.get("target")),
            mover=mover,
            step=pace.step_now(state, samples),
            following=following,
            verification=state.verification,
            swap=state.swaps[-1] if state.swaps else None,
            error=state.error,
            next=_next(state, mover),
        )

    def _ask(self, state: MoveState) -> dict[Side, Answer]:
        request = state.request
        places = [
            (database, place)
            for database, place in ((self.source, request.source), (self.target, request.target))
            if database is not None
        ]
        with ThreadPoolExecutor(2) as pool:
            answers = pool.map(lambda pair: ask(pair[0], pair[1], self.move), places)
            return {place.side: answer for (_, place), answer in zip(places, answers, strict=True)}

    def _live(self, follower: Side, answers: Mapping[Side, Answer]) -> Following | None:
        """The lag by both servers; None where one of them can't tell."""
        if self.source is None or self.target is None:
            return None
        if any(answer.error for answer in answers.values()):
            return None
        sides = {"source": self.source, "target": self.target}
        stream = Stream(self.move, sides[other(follower)], sides[follower])
        known = self._health(stream)
        if self._first is None:
            self._first = known
            if known.lag_bytes:
                time.sleep(SECOND_LOOK)
                known = self._health(stream)
        return pace.live_lag(follower, known, self._first, self._trend.rates(), now())

    def _health(self, stream: Stream) -> Health:
        known = stream.health()
        if known.written_lsn is not None and known.applied_lsn is not None:
            self._trend.add(time.monotonic(), known.written_lsn, known.applied_lsn)
        return known


def _running(move: str, answers: Mapping[Side, Answer]) -> bool | None:
    if any(a.holder is not None and a.holder.move in (move, "") for a in answers.values()):
        return True
    # A mover holds the lease in both: either side alone can tell that there is none.
    return False if any(answer.error is None for answer in answers.values()) else None


def _side(place: Place, answer: Answer | None) -> SideNow:
    return SideNow(
        address=place.address,
        server_version=place.server_version,
        answers=None if answer is None else answer.error is None,
        error=None if answer is None else answer.error,
        gate=None if answer is None else answer.gate,
        held_up=() if answer is None else answer.held_up,
        made=()
        if answer is None
        else tuple(
            Made(
                kind=made.kind,
                name=made.name,
                active=made.active,
                retained_bytes=made.retained_bytes,
                wal_status=made.status,
            )
            for made in answer.made
        ),
    )


def _next(state: MoveState, mover: Mover) -> tuple[ToDo, ...]:
    if mover.running:
        run = state.request.commands
        return (ToDo(text="A mover is at work; to see it", command=run.status),)
    return tuple(ToDo(text=step.text, command=step.command) for step in next_steps.remaining(state))
