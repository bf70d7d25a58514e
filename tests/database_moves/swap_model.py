"""A model of two databases, a pooler and their clients, on which the real protocol is explored.

Every interleaving of the mover, its guard, later runs and a rollback is tried, with kills, crashes
and lost answers in between, up to a budget of faults. A process is the sequence of answers it got
so far: running the real code on these answers again leads to the effect it asks for next.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from database_moves.cutover import protocol
from database_moves.cutover.protocol import (
    Gate,
    LostError,
    Stand,
    SupersededError,
    UnreachableError,
)
from database_moves.errors import AbortedError, MoveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from database_moves.database import Side

OTHER: dict[Side, Side] = {"source": "target", "target": "source"}


class Database(NamedTuple):
    """One side: `log` has what was written here, `applied` how much of the other's log is."""

    gate: Gate
    log: tuple[int, ...] = ()
    applied: int = 0
    durable: int = 0
    follows: bool = False
    locked: str | None = None


class State(NamedTuple):
    """All that can be seen; `turn` is who may settle, `client` the side of an open session."""

    source: Database
    target: Database
    pooler: tuple[Side, bool] = ("source", False)
    turn: str | None = None
    client: Side | None = None
    pending: bool = False
    written: int = 0
    late: bool = False
    faults: int = 0
    rolled_back: bool = False
    processes: tuple[tuple[str, str, tuple[Any, ...]], ...] = ()
    """Name, status (`running`, `dead`, `done`) and the answers so far."""

    def side(self, side: Side) -> Database:
        return self.source if side == "source" else self.target

    def put(self, side: Side, **changes: Any) -> State:
        changed = self.side(side)._replace(**changes)
        return self._replace(**{side: changed})

    def gated(self, side: Side, state: str, epoch: int) -> State:
        """Change a gate; the commit brings to disk all that was applied before."""
        return self.put(side, gate=Gate(state, epoch), durable=self.side(side).applied)

    def status(self, name: str) -> str:
        return next((status for other, status, _ in self.processes if other == name), "none")

    def process(self, name: str, status: str, answers: tuple[Any, ...]) -> State:
        others = tuple(entry for entry in self.processes if entry[0] != name)
        return self._replace(processes=tuple(sorted((*others, (name, status, answers)), key=str)))

    def without(self, name: str) -> State:
        """Sessions of a process end: what they held is free."""
        state = self._replace(turn=None) if self.turn == name else self
        for side in OTHER:
            if state.side(side).locked == name:
                state = state.put(side, locked=None)
        return state

    def ended(self, name: str, status: str, answers: tuple[Any, ...]) -> State:
        """A process is gone; of what it knew only what it told its guard is left."""
        told = ("told",) if "told" in answers else ()
        return self.without(name).process(name, status, told)


START = State(Database(Gate("open", 0)), Database(Gate("closed", 0), follows=True), processes=())
UNSEEN = ("check", "carry", "advance_reverse", "switch", "disarm_former", "told", "orient")
EXPIRED = TimeoutError("over the limit")
UNHEARD = UnreachableError("no answer")
LOST = LostError("somebody else settled")
SUPERSEDED = SupersededError("a later attempt")


class Suspended(BaseException):
    """The next effect of a process."""


class Replay:
    """A world that answers as before, and stops at the first effect that was not yet answered."""

    def __init__(self, answers: tuple[Any, ...]) -> None:
        self._answers = iter(answers)

    def reached(self, effect: str) -> None:
        pass

    def patient(self, fault: Exception) -> bool:
        return True

    def __getattr__(self, effect: str) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            for answer in self._answers:
                if isinstance(answer, Exception):
                    raise answer
                return answer
            raise Suspended(effect, *arguments)

        return ask


def moving(world: Any) -> None:
    epoch = protocol.swap(world)
    world.tell_guard()
    protocol.follow_up(world, epoch)


def guarding(world: Any) -> None:
    protocol.guard(world, world.told(), world.wait)


def running_again(world: Any) -> None:
    side, epoch = world.look()
    world.orient(side)
    if protocol.settle(world, epoch) is Stand.HANDED_OVER:
        protocol.follow_up(world, epoch)


PROGRAMS = {"mover": moving, "guard": guarding, "again": running_again, "back": moving}


@functools.cache
def next_effect(name: str, answers: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What a process asks for after these answers; None at its end."""
    try:
        PROGRAMS[name](Replay(answers))
    except Suspended as asked:
        return asked.args
    except (AbortedError, MoveError):
        # Then the mover tells its guard, that nothing is left to do.
        if name == "mover" and (not answers or answers[-1] != "told"):
            return ("tell_guard",)
    return None


def serving_of(name: str, answers: tuple[Any, ...]) -> Side:
    if name == "again":
        return next(answer[0] for answer in answers if isinstance(answer, tuple))
    return "target" if name == "back" else "source"


def data(state: State, side: Side) -> set[int]:
    own, other = state.side(side), state.side(OTHER[side])
    return {n for n in (*own.log, *other.log[: own.applied]) if n > 0}


def perform(
    state: State, name: str, answers: tuple[Any, ...], effect: str, *arguments: Any
) -> Iterator[tuple[Any, State]]:
    """The answers an effect may get, with what is then; none where it must wait."""
    if effect in ("look", "told", "wait", "orient"):
        yield from _asked(state, name, answers, effect)
        return
    serving = serving_of(name, answers)
    follower = OTHER[serving]
    here, there = state.side(serving), state.side(follower)
    epoch = arguments[0] if arguments else None
    mine = state.turn == name
    settling = name in ("guard", "again") or "released" in answers
    busy = state.pending and state.client == serving
    match effect:
        case "begin":
            if state.turn is None:
                if here.gate.state == "open" and there.gate.state == "closed":
                    yield (
                        max(here.gate.epoch, there.gate.epoch) + 1,
                        state._replace(turn=name, late=False),
                    )
                else:
                    yield AbortedError("not serving"), state
        case "check":
            late = state.late and name == "mover"
            yield (EXPIRED if late else None if mine else UNHEARD), state
        case "tell_guard":
            yield "told", state.without(name)
        case "rest":
            yield None, state.without(name)
        case "pause_poolers":
            yield None, state._replace(pooler=(state.pooler[0], True))
        case "resume_poolers":
            if settling and not mine:
                yield LOST, state
            else:
                yield None, state._replace(pooler=(state.pooler[0], False))
        case "point_poolers":
            if settling and not mine:
                yield LOST, state
            else:
                at = serving if arguments[0] == "serving" else follower
                yield None, state._replace(pooler=(at, state.pooler[1]))
        case "fence":
            if not mine:
                yield UNHEARD, state
            elif here.gate == Gate("open", here.gate.epoch) and here.gate.epoch < epoch:
                yield from _heard_or_not(state, state.gated(serving, "fenced", epoch))
            else:
                yield LOST, state
        case "end_sessions":
            if not mine:
                yield UNHEARD, state
            elif busy:
                yield EXPIRED, state
            else:
                yield None, state._replace(client=None) if state.client == serving else state
        case "lock_tables":
            if not mine:
                yield UNHEARD, state
            else:
                yield (EXPIRED, state) if busy else (None, state.put(serving, locked=name))
        case "write_marker":
            if not mine:
                yield UNHEARD, state
            else:
                marked = state.put(serving, log=(*here.log, -here.gate.epoch))
                yield None, marked
        case "drain":
            reached = -here.gate.epoch in here.log[: there.applied]
            yield (None if reached else EXPIRED), state
        case "carry" | "advance_reverse" | "switch" | "disarm_former":
            yield None, state
        case "ready_follower":
            if -epoch not in here.log[: there.applied]:
                yield EXPIRED, state
            elif there.gate.epoch < epoch and there.gate.state != "open":
                yield None, state.gated(follower, "closed", epoch)
            else:
                yield LOST, state
        case "decide":
            if here.locked != name:
                yield UNHEARD, state
            elif here.gate == Gate("fenced", epoch):
                decided = state.gated(serving, "handed-over", epoch).put(serving, locked=None)
                yield from _heard_or_not(state, decided)
            else:
                yield LOST, state
        case "open_follower":
            if there.gate == Gate("closed", epoch):
                yield from _heard_or_not(state, state.gated(follower, "open", epoch))
            else:
                opened = there.gate == Gate("open", epoch)
                yield (None if opened else SUPERSEDED if there.gate.epoch > epoch else LOST), state
        case "release":
            # The sessions of earlier attempts are ended; whoever else has the turn is waited for.
            ended = state
            for other, _, told in state.processes:
                if (
                    other in ("mover", "back")
                    and told
                    and type(told[0]) is int
                    and told[0] <= epoch
                ):
                    ended = ended.without(other)
            if ended.turn in (None, name):
                yield "released", ended._replace(turn=name)
        case "reopen":
            if here.gate.epoch > epoch:
                yield Stand.SUPERSEDED, state
            elif here.gate.state in ("fenced", "open"):
                reopened = state.gated(serving, "open", epoch)
                for answer, after in _heard_or_not(state, reopened):
                    yield answer or Stand.OPEN, after
            else:
                yield Stand.HANDED_OVER, state
        case "stop_forward":
            yield None, state.put(follower, follows=False)
        case "close_former":
            if here.gate == Gate("handed-over", epoch):
                yield None, state.gated(serving, "closed", epoch)
            else:
                yield None, state
        case "start_reverse":
            yield None, state.put(serving, follows=True)
        case _:
            raise AssertionError(effect)


def _heard_or_not(before: State, after: State) -> Iterator[tuple[Any, State]]:
    yield None, after
    if before.faults:
        yield UNHEARD, after._replace(faults=before.faults - 1)


def _asked(
    state: State, name: str, answers: tuple[Any, ...], effect: str
) -> Iterator[tuple[Any, State]]:
    if effect == "orient":
        yield None, state
    elif effect == "look":
        gates: dict[Side, Gate] = {"source": state.source.gate, "target": state.target.gate}
        yield protocol.unsettled(gates), state
    elif effect == "told":
        yield 1, state
    elif state.status("mover") == "dead":
        yield "gone", state
    elif _has_told(state):
        yield "done", state
    elif "late" not in answers:
        yield "late", state._replace(late=True)


def _has_told(state: State) -> bool:
    return any(name == "mover" and "told" in answers for name, _, answers in state.processes)
