"""The pause of a swap as a sequence of effects, and how it is settled whatever interrupts it.

A swap makes the follower serve and the serving side follow. Whatever is killed, stopped or cut off,
and whenever:

1. At most one side accepts writes at any moment. The follower's gate is closed until the serving
   side's is shut and has been handed over, and a gate is changed in one transaction with the
   privilege to connect that it stands for.
2. No acknowledged write is lost: a side that serves has every write that was acknowledged before,
   durably. The decision is taken only after the last writer is gone, the follower has shown a
   marker that was written after that, and has written what it applied to disk.
3. Every way out leaves exactly one side serving, both poolers and locks included: the poolers point
   at it and run, and no session of the swap holds its tables. Who serves is read from the gates,
   never guessed.
4. Every slot and subscription of the move has a name that follows from the move's; those of an
   interrupted swap can be removed by whoever comes next.

The gate of the serving side decides. It goes, by compare-and-set on its state and epoch,

    open -> fenced -> handed-over       the swap; `decide` is the point of no return
            fenced -> open              the undoing

so of the mover, its guard and later runs exactly one brings it from `fenced` to where it stays, and
the others find out which way it went. Before the decision nothing is irrevocable; after it every
effect can be repeated and leads forward only. An epoch is used by one attempt, and settling an
attempt spends its epoch even if nothing was fenced yet: a mover that wakes up late finds every gate
shut to it. What a late mover can still do is one effect on a pooler; it learns at the next gate
that it has lost, and settles too.

Effects are idempotent. They raise `UnreachableError` where trying again may help, `LostError` where
somebody else settled the attempt, anything else where the swap cannot go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from database_moves.errors import AbortedError, MoveError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from database_moves.database import Side

Place = Literal["serving", "follower"]
"""Which of the two, as it was when the swap began."""

News = Literal["done", "gone", "late"]
"""What a guard hears: the mover is done, is dead, or has overstepped the limit."""

T = TypeVar("T")

_SIDES: tuple[tuple[Side, Side], ...] = (("source", "target"), ("target", "source"))


class Gate(NamedTuple):
    """What a side's gate says."""

    state: str
    epoch: int


Gates: TypeAlias = "Mapping[Side, Gate]"


class UnreachableError(Exception):
    """A server or a pooler did not answer, so that nobody knows whether it did what it was told."""


class LostError(Exception):
    """The gate was not as this attempt had left it: somebody else settled the attempt."""


class SupersededError(Exception):
    """A later attempt has begun, so that this one was settled long ago."""


class Stand(Enum):
    """How an attempt stands once it is settled."""

    OPEN = "open"
    """The side that served before serves."""
    HANDED_OVER = "handed-over"
    """The follower serves, or is to."""
    SUPERSEDED = "superseded"
    """A later attempt has begun: nothing of this one is left to do."""


class World(Protocol):
    """What a swap acts on."""

    def begin(self) -> int:
        """Prepare all that needs no pause and return the attempt's epoch, higher than any before.

        Raises `RefusedError` unless one side serves and the other does not.
        """

    def check(self, effect: str) -> None:
        """Raise where the pause is over its limit or the mover has lost its lease."""

    def reached(self, effect: str) -> None:
        """Take notice that an effect is done."""

    def patient(self, fault: UnreachableError) -> bool:
        """Wait before another try; false where it is time to give up."""

    def pause_poolers(self) -> None:
        """Let clients of the poolers wait; their transactions under way end first."""

    def fence(self, epoch: int) -> None:
        """Serving gate: open -> fenced with this epoch; only the mover's role may connect."""

    def end_sessions(self) -> None:
        """End the sessions that came before the fence, once their transactions are over."""

    def lock_tables(self) -> None:
        """Lock every published table against writes until the decision; look for sessions again."""

    def write_marker(self) -> None:
        """Write on the serving side what no write can come after."""

    def drain(self) -> None:
        """Wait until the follower shows the marker."""

    def carry(self) -> None:
        """Bring what replication does not."""

    def advance_reverse(self) -> None:
        """Let the reverse stream begin after all that the forward stream brought."""

    def ready_follower(self, epoch: int) -> None:
        """Follower's gate: closed with this epoch, if the marker is there still.

        A subscription applies without waiting for the disk, so a follower that crashes loses the
        latest of what it has shown, and gets it again after a while. The commit of this change,
        which saw the marker and waits for the disk, is what keeps it.
        """

    def point_poolers(self, at: Place) -> None:
        """Let the poolers lead to one of the sides; whether they are paused stays as it is."""

    def switch(self, to: Place) -> None:
        """Tell whoever else must know which side serves."""

    def decide(self, epoch: int) -> None:
        """Serving gate: fenced -> handed-over, in the transaction that holds the tables' locks."""

    def open_follower(self, epoch: int) -> None:
        """Follower's gate: closed -> open with this epoch; clients may connect.

        Raises `SupersededError` where the gate has a later epoch.
        """

    def resume_poolers(self) -> None:
        """Let the poolers' clients go on."""

    def release(self, epoch: int) -> None:
        """End every session of an attempt up to this one, and take the turn to settle it."""

    def reopen(self, epoch: int) -> Stand:
        """Serving gate: fenced or open -> open with this epoch, unless it was handed over."""

    def rest(self) -> None:
        """Give up the turn: what is left of this attempt may be settled by others."""

    def stop_forward(self) -> None:
        """Stop the forward stream and remove every part of it."""

    def disarm_former(self) -> None:
        """Make the side that served fit to follow."""

    def start_reverse(self) -> None:
        """Let the side that served follow."""

    def close_former(self, epoch: int) -> None:
        """Serving gate: handed-over -> closed."""


@dataclass(frozen=True)
class Effect:
    """One step, by the name that timings, crash points and people know it by."""

    name: str
    do: Callable[[World, int], None]


TO_DECISION = (
    Effect("poolers-paused", lambda world, _: world.pause_poolers()),
    Effect("fenced", lambda world, epoch: world.fence(epoch)),
    Effect("sessions-ended", lambda world, _: world.end_sessions()),
    Effect("locked", lambda world, _: world.lock_tables()),
    Effect("marked", lambda world, _: world.write_marker()),
    Effect("drained", lambda world, _: world.drain()),
    Effect("carried", lambda world, _: world.carry()),
    Effect("reverse-advanced", lambda world, _: world.advance_reverse()),
    Effect("follower-ready", lambda world, epoch: world.ready_follower(epoch)),
    Effect("poolers-switched", lambda world, _: world.point_poolers("follower")),
    Effect("switched", lambda world, _: world.switch("follower")),
    Effect("decided", lambda world, epoch: world.decide(epoch)),
)
"""Each can be undone, except the last."""

FROM_DECISION = (
    Effect("opened", lambda world, epoch: world.open_follower(epoch)),
    Effect("poolers-resumed", lambda world, _: world.resume_poolers()),
)
"""What clients still wait for."""

AFTER_PAUSE = (
    # The forward stream ends before the reverse one begins: older versions cannot tell what was
    # replicated from what was written, and would send it around in a circle.
    Effect("forward-stopped", lambda world, _: world.stop_forward()),
    Effect("former-disarmed", lambda world, _: world.disarm_former()),
    Effect("reverse-started", lambda world, _: world.start_reverse()),
    # Last, for it says to whoever comes next that nothing of all this is left to do.
    Effect("former-closed", lambda world, epoch: world.close_former(epoch)),
)
"""What nobody waits for; whoever comes next completes it."""


def swap(world: World) -> int:
    """Make the follower serve, and return the epoch it does so with; clients go on at the end.

    Raises `RefusedError` before anything is changed, `AbortedError` once all is undone and the side
    that served before serves, and `UnreachableError` where that could not be completed: the guard
    and every later run go on settling it.
    """
    epoch = world.begin()
    try:
        for effect in TO_DECISION:
            world.check(effect.name)
            effect.do(world, epoch)
            world.reached(effect.name)
        for effect in FROM_DECISION:
            effect.do(world, epoch)
            world.reached(effect.name)
    except (Exception, KeyboardInterrupt) as fault:
        stand = settle(world, epoch)
        if stand is Stand.HANDED_OVER:
            # The decision was taken, whatever was heard of it.
            return epoch
        if stand is Stand.SUPERSEDED:
            raise MoveError(f"a later attempt has taken this one's place ({fault})") from fault
        if not isinstance(fault, Exception):
            raise
        raise AbortedError(f"the swap was undone: {fault}") from fault
    world.rest()
    return epoch


def settle(world: World, epoch: int) -> Stand:
    """Bring an attempt to its end, whichever that is by now; doing it again changes nothing.

    Raises `UnreachableError` where patience ended first.
    """
    while True:
        try:
            stand = _settle(world, epoch)
        except LostError:
            # The turn was lost with its session: what others did since must be read again.
            continue
        except SupersededError:
            stand = Stand.SUPERSEDED
        world.rest()
        return stand


def guard(world: World, epoch: int, wait: Callable[[], News]) -> Stand | None:
    """Settle an attempt in its mover's place; `wait` says when, `late` once at most.

    A mover that is late may only be stopped, and may touch a pooler once more when it goes on: its
    end is waited for, and the attempt settled again, unless it says that it has settled itself.
    """
    stand = None
    while (news := wait()) != "done":
        stand = settle(world, epoch)
        if news == "gone":
            break
    return stand


def unsettled(gates: Gates) -> tuple[Side, int]:
    """Which side's attempt a later run settles first, and by which epoch, from the gates alone.

    Raises `ValueError` for gates that no sequence of effects leads to.
    """
    for state in ("fenced", "handed-over"):
        for side, other in _SIDES:
            mine, others = gates[side], gates[other]
            if mine.state == state and (state == "fenced" or others.epoch <= mine.epoch):
                return side, mine.epoch
    open_sides = [side for side, gate in gates.items() if gate.state == "open"]
    if len(open_sides) != 1:
        raise ValueError(f"the gates say {gates['source']} and {gates['target']}")
    # A mover that stopped before its fence has taken the next epoch: it is spent.
    return open_sides[0], max(gate.epoch for gate in gates.values()) + 1


def _settle(world: World, epoch: int) -> Stand:
    _insist(world, lambda: world.release(epoch))
    stand = _insist(world, lambda: world.reopen(epoch))
    world.reached("settling")
    if stand is Stand.OPEN:
        _insist(world, lambda: world.point_poolers("serving"))
        _insist(world, world.resume_poolers)
        _insist(world, lambda: world.switch("serving"))
    elif stand is Stand.HANDED_OVER:
        _insist(world, lambda: world.open_follower(epoch))
        _insist(world, lambda: world.point_poolers("follower"))
        _insist(world, world.resume_poolers)
    world.reached("settled")
    return stand


def follow_up(world: World, epoch: int) -> None:
    """Turn the streams around after a swap; doing it again changes nothing."""
    for effect in AFTER_PAUSE:
        effect.do(world, epoch)
        world.reached(effect.name)


def _insist(world: World, effect: Callable[[], T]) -> T:
    while True:
        try:
            return effect()
        except UnreachableError as fault:
            if not world.patient(fault):
                raise
