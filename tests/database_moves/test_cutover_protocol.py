"""The invariants of a swap hold in every state that kills, crashes and lost answers can lead to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.database_moves import swap_model as model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.database_moves.swap_model import State


NEAR = [(0, 1), (1, 1)]
FAR = [*NEAR, (0, 2), (1, 2), (2, 1)]
"""How many kills, crashes and lost answers there are, and how many writes; all of it takes long."""


class BrokenError(AssertionError):
    """An invariant does not hold."""


def steps(state: State, writes: int) -> Iterator[tuple[str, State]]:
    yield from _processes(state)
    yield from _starts(state)
    yield from _clients(state, writes)
    for side, other in model.OTHER.items():
        own = state.side(side)
        if own.follows and own.applied < len(state.side(other).log):
            yield f"{side} applies", state.put(side, applied=own.applied + 1)
    if state.faults:
        yield from _faults(state._replace(faults=state.faults - 1))


def _processes(state: State) -> Iterator[tuple[str, State]]:
    for name, status, answers in state.processes:
        if status != "running":
            continue
        asked = model.next_effect(name, answers)
        if asked is None:
            yield f"{name} ends", state.ended(name, "done", answers)
            continue
        for answer, after in model.perform(state, name, answers, *asked):
            after = after.process(name, "running", (*answers, answer))
            if name == "mover" and asked[0] == "begin":
                after = after.process("guard", "running", ())
            yield f"{name}: {asked[0]} -> {answer}", _at_once(after, name, (*answers, answer))


def _at_once(state: State, name: str, answers: tuple[Any, ...]) -> State:
    # What changes nothing that others see is no step of its own. To check the time as early as can
    # be is the worst case: the mover may then be stopped for any time before its effect.
    asked = model.next_effect(name, answers)
    while asked is not None and asked[0] in model.UNSEEN:
        ((answer, state),) = model.perform(state, name, answers, *asked)
        answers = (*answers, answer)
        state = state.process(name, "running", answers)
        asked = model.next_effect(name, answers)
    return state


def _starts(state: State) -> Iterator[tuple[str, State]]:
    running = {name for name, status, _ in state.processes if status == "running"}
    if running - {"guard"}:
        return
    dead = "dead" in (state.status("mover"), state.status("back"))
    if dead and state.status("again") in ("none", "dead"):
        yield "run again", state.process("again", "running", ())
        return
    if not state.rolled_back and state.target.gate.state == "open" and state.source.follows:
        began = state.process("back", "running", ())._replace(rolled_back=True)
        yield "roll back", began


def _clients(state: State, writes: int) -> Iterator[tuple[str, State]]:
    side, paused = state.pooler
    write = state.written + 1
    if state.client is not None:
        at = state.side(state.client)
        if state.pending:
            done = state.put(state.client, log=(*at.log, write), durable=at.applied)
            yield "client commits", done._replace(pending=False, written=write)
        elif write <= writes and at.locked is None:
            yield "client begins", state._replace(pending=True)
    if write > writes:
        return
    if not paused and state.side(side).gate.state == "open" and state.side(side).locked is None:
        at = state.side(side)
        done = state.put(side, log=(*at.log, write), durable=at.applied)
        yield f"write through the pooler to {side}", done._replace(written=write)
    if state.client is None:
        for side in model.OTHER:
            if state.side(side).gate.state == "open":
                yield f"client connects to {side}", state._replace(client=side)


def _faults(state: State) -> Iterator[tuple[str, State]]:
    for name, status, answers in state.processes:
        if status == "running":
            killed = state.ended(name, "dead", answers)
            if name == "back":
                others = tuple(entry for entry in killed.processes if entry[0] != "again")
                killed = killed._replace(processes=others)
            yield f"kill {name}", killed
    for side in model.OTHER:
        own = state.side(side)
        crashed = state.put(side, applied=own.durable, locked=None)
        if state.client == side:
            crashed = crashed._replace(client=None, pending=False)
        for name, _, answers in state.processes:
            if name == state.turn and model.serving_of(name, answers) == side:
                crashed = crashed._replace(turn=None)
        yield f"{side} crashes", crashed
    if state.pooler[1]:
        yield "pooler restarts", state._replace(pooler=(state.pooler[0], False))


def check(state: State, path: Any) -> None:
    accepting = [
        side
        for side in model.OTHER
        if state.side(side).gate.state == "open" or state.client == side
    ]
    if len(accepting) > 1:
        raise BrokenError("both sides accept writes")
    acknowledged = set(range(1, state.written + 1))
    for side in model.OTHER:
        if state.side(side).gate.state == "open" and not acknowledged <= model.data(state, side):
            raise BrokenError("an acknowledged write is lost")
    statuses = {name: status for name, status, _ in state.processes}
    if "running" in statuses.values():
        return
    if next(_starts(state._replace(rolled_back=True)), None) is not None:
        return
    serving = [side for side in model.OTHER if state.side(side).gate.state == "open"]
    if len(serving) != 1:
        raise BrokenError("not exactly one side serves at the end")
    if state.pooler != (serving[0], False):
        raise BrokenError("the poolers do not lead to who serves, or are paused")
    if state.turn or any(state.side(side).locked for side in model.OTHER):
        raise BrokenError("something is held at the end")
    if state.side(serving[0]).follows or not state.side(model.OTHER[serving[0]]).follows:
        raise BrokenError("the streams do not run from who serves to who follows")


def explore(faults: int, writes: int) -> int:
    """Visit every state there is; the number of them. Raises `BrokenError` with the way there."""
    model.next_effect.cache_clear()
    start = model.START._replace(faults=faults).process("mover", "running", ())
    came: dict[State, tuple[State, str] | None] = {start: None}
    frontier = [start]
    while frontier:
        state = frontier.pop()
        progress = False
        for label, after in steps(state, writes):
            progress = True
            if after in came:
                continue
            came[after] = (state, label)
            try:
                check(after, None)
            except BrokenError as broken:
                raise BrokenError(f"{broken}: {way(came, after)}") from None
            frontier.append(after)
        if not progress and any(status == "running" for _, status, _ in state.processes):
            raise BrokenError(f"nobody can go on: {way(came, state)}")
    return len(came)


def way(came: dict[State, tuple[State, str] | None], state: State) -> str:
    labels: list[str] = []
    while (origin := came[state]) is not None:
        state, label = origin
        labels.append(label)
    return "; ".join(reversed(labels))


@pytest.mark.parametrize(
    ("faults", "writes"), FAR if os.environ.get("PATCHWORKS_NIGHTLY") else NEAR
)
def test_at_most_one_side_accepts_writes_and_none_is_lost_whatever_fails_when(
    faults: int, writes: int
) -> None:
    assert explore(faults, writes) > 10_000


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("end_sessions", "both sides accept writes"),
        ("resume_poolers", "are paused"),
        ("stop_forward", "the streams do not run"),
        ("start_reverse", "the streams do not run"),
    ],
)
def test_a_protocol_that_leaves_an_effect_out_is_found_out(
    monkeypatch: pytest.MonkeyPatch, broken: str, said: str
) -> None:
    real = model.perform

    def without(state: State, name: str, answers: Any, effect: str, *arguments: Any) -> Any:
        if effect == broken:
            return iter([(None, state)])
        return real(state, name, answers, effect, *arguments)

    monkeypatch.setattr(model, "perform", without)
    with pytest.raises(BrokenError, match=said):
        explore(0, 1)
