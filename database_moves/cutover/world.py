"""The effects of a swap on real servers and poolers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import errors as postgresql

from database_moves import inventory, locks
from database_moves.beside import beside
from database_moves.carry import firing, large_objects, sequences, unlogged
from database_moves.crash_points import reached
from database_moves.cutover import gate, sessions
from database_moves.cutover.answers import effect
from database_moves.cutover.attempt import Attempt
from database_moves.cutover.ports import SwitchCommand
from database_moves.cutover.protocol import Stand, UnreachableError
from database_moves.cutover.unchanged import Unchanged
from database_moves.cutover.waits import Waits
from database_moves.errors import MoveError, RefusedError
from database_moves.replication import slots

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    import psycopg

    from database_moves.cutover.guarding import Guard
    from database_moves.cutover.protocol import Place
    from database_moves.cutover.swap import Swap
    from database_moves.inventory import Table
    from database_moves.poolers.pooler import Pooler

    Connection = psycopg.Connection[tuple[Any, ...]]

PATIENCE_SECONDS = 120.0
"""How long the settling of an attempt is tried before it is left to the next run."""

SETTLING_SECONDS = 30.0
"""How long one effect of settling may take."""


@dataclass
class RealWorld:
    """One process's part in a swap: the mover's, its guard's, or that of a later run."""

    swap: Swap
    guard: Guard | None = None
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of each effect."""
    pause_seconds: float = 0.0
    """Until clients could go on, whichever side they went on at."""
    waits: Waits = field(init=False)
    _attempt: Attempt = field(init=False)
    _began: float = 0.0
    _last: float = 0.0
    _given_up: float | None = None
    _marker: int = 0
    _unchanged: Unchanged | None = None
    _arrived: Future[None] | None = None
    _tables: tuple[Table, ...] = ()
    _pairs: sequences.Pairs | None = None
    _carried: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._attempt = Attempt(self.swap)
        self.waits = Waits(self.swap.poolers)

    # -- before the pause --

    @effect
    def begin(self) -> int:
        serving, follower = self.swap.serving, self.swap.follower
        with serving.session("gate") as here, follower.session("gate") as there:
            epoch = self._epoch(here, there)
        try:
            self._prepare(epoch)
        except BaseException:
            # A later try in this process is not to find the turn taken by an earlier one.
            self.rest()
            raise
        return epoch

    def _epoch(self, here: Connection, there: Connection) -> int:
        """The next one; raises `RefusedError` unless one side serves and the other does not."""
        ours, theirs = gate.read(here), gate.read(there)
        if ours.state != "open" or theirs.state != "closed":
            raise RefusedError(
                f"the {self.swap.serving.side}'s gate is {ours.state} and the "
                f"{self.swap.follower.side}'s is {theirs.state}",
                remedy="run the command again, which settles an interrupted swap first",
            )
        return max(ours.epoch, theirs.epoch) + 1

    def _prepare(self, epoch: int) -> None:
        self._attempt.begin(epoch)
        here, there = self._attempt.serving, self._attempt.follower
        if self._epoch(here, there) != epoch:
            raise UnreachableError("an earlier swap was settled just now")
        # Given up and named by this process, before the guard ends its sessions.
        patience = f"{max(1, round(self.swap.max_pause * 800))}ms"
        here.execute("SELECT set_config('lock_timeout', %s, false)", (patience,))
        self._tables = tuple(t for t in inventory.tables(here) if t.persistence == "permanent")
        sessions.check_locks(here, self._tables)
        self._carried = self._affordable(here)
        self._pairs = sequences.prepare(here, there)
        self._unchanged = Unchanged(self._attempt.schema)
        if self.swap.reverse is not None:
            self.swap.reverse.approach_slot(there)
        self._stop_analyzing(here)
        self._each_pooler(lambda pooler: pooler.hold())
        self.waits.begin()
        if self.guard is not None:
            self.guard.begin(epoch, self.swap.max_pause)
        self._began = self._last = time.monotonic()

    def _affordable(self, connection: Connection) -> tuple[str, ...]:
        costs = {
            "large objects": large_objects.estimate(connection),
            "unlogged tables": unlogged.estimate(connection),
        }
        seconds = sum(cost.seconds for cost in costs.values())
        if seconds > self.swap.carry_seconds:
            named = ", ".join(
                f"{c.count} {n} ({c.bytes:,} bytes)" for n, c in costs.items() if c.count
            )
            raise RefusedError(
                f"{named} are carried in the pause and would take about {seconds:.1f} s",
                remedy="allow it with a longer --carry-seconds and --max-pause, or remove them",
            )
        return tuple(name for name, cost in costs.items() if cost.count)

    def _stop_analyzing(self, connection: Connection) -> None:
        """Wait a little for vacuums that would hold the tables' locks up."""
        until = time.monotonic() + 10
        query = "SELECT count(*) FROM pg_stat_progress_vacuum WHERE datname = current_database()"
        while _scalar(connection, query) and time.monotonic() < until:
            time.sleep(0.1)

    # -- the pause --

    def check(self, effect: str) -> None:
        if self._left() <= 0:
            raise sessions.HeldUpError(
                f"writes had waited {self.swap.max_pause:g} s before {effect.replace('-', ' ')}"
            )

    def reached(self, effect: str) -> None:
        now = time.monotonic()
        self.timings[effect] = now - self._last
        self._last = now
        if effect in ("poolers-resumed", "settled") and self._began and not self.pause_seconds:
            self.pause_seconds = now - self._began
        reached(f"swap.{effect}")

    @effect
    def pause_poolers(self) -> None:
        left = self._left()
        self._each_pooler(lambda pooler: pooler.pause(left))

    @effect
    def fence(self, epoch: int) -> None:
        here = self._attempt.serving
        try:
            gate.fence(here, epoch)
        except postgresql.LockNotAvailable:
            named = "; ".join(slots.transactions_under_way(here)) or "nobody any more"
            raise sessions.HeldUpError(
                f"another session changes who may connect: {named}"
            ) from None

    @effect
    def end_sessions(self) -> None:
        # Whoever is ended at last must leave time for the rest of the pause.
        share = 0.5 if self.swap.cancel_blockers else 0.8
        sessions.end(
            self._attempt.serving,
            time.monotonic() + self._left() * share,
            cancel=self.swap.cancel_blockers,
        )

    @effect
    def lock_tables(self) -> None:
        here = self._attempt.serving
        sessions.lock(self._attempt.locks, self._tables, max(0.01, self._left() * 0.8), here)
        # One that had come in when the fence fell, and had not shown itself yet.
        sessions.end(here, time.monotonic() + self._left() * 0.5, cancel=True)
        self._schema().look()

    @effect
    def write_marker(self) -> None:
        self._marker = self.swap.forward.beat(self._attempt.serving)

    @effect
    def drain(self) -> None:
        self.swap.forward.wait_for_marker(
            self._marker, time.monotonic() + self._left(), self._attempt.follower
        )

    @effect
    def carry(self) -> None:
        here, there = self._attempt.serving, self._attempt.follower
        sequences.carry(here, there, self._pairs)
        if "large objects" in self._carried:
            large_objects.carry(here, there)
        if "unlogged tables" in self._carried:
            unlogged.carry(here, there)
        firing.carry(here, there)

    @effect
    def advance_reverse(self) -> None:
        reverse = self.swap.reverse
        if reverse is not None:
            reverse.approach_slot(self._attempt.follower)
            # On the disk by the decision: nothing before that relies on it.
            self._arrived = beside(lambda: reverse.arrive_slot(self._attempt.reverse))

    @effect
    def ready_follower(self, epoch: int) -> None:
        self._schema().check()
        gate.ready(
            self._attempt.follower,
            epoch,
            gate.kept(self._attempt.serving),
            self._marker,
            self.swap.serving.side,
        )

    @effect
    def point_poolers(self, at: Place) -> None:
        self._attempt.see_turn()
        side = self._side(at)
        self._each_pooler(lambda pooler: pooler.point_at(side))

    @effect
    def switch(self, to: Place) -> None:
        if self.swap.switch is not None:
            if self._given_up is None:
                self.swap.switch(self._side(to), self._left())
                return
            try:
                self.swap.switch(self._side(to), SETTLING_SECONDS)
            except MoveError as error:
                command = isinstance(self.swap.switch, SwitchCommand)
                raise MoveError(
                    f"the {self._side(to)} serves, but it was not switched to: {error.message}",
                    remedy=f"see that applications are led to the {self._side(to)}, then run the "
                    f"same command again{' with a --switch-command that does that' * command}",
                ) from error

    @effect
    def decide(self, epoch: int) -> None:
        if self._arrived is not None:
            self._arrived.result()
        locks = self._attempt.locks
        gate.decide(locks, epoch)
        locks.commit()

    @effect
    def open_follower(self, epoch: int) -> None:
        there = self._attempt.follower_again(epoch)
        try:
            firing.release(there)
            gate.open_follower(there, epoch)
        except postgresql.LockNotAvailable as held:
            # Decided already: it is tried until the lock is free.
            named = "; ".join(map(str, locks.holding(there, locks.READING + locks.WRITING)))
            raise UnreachableError(f"the {self.swap.follower.side} is held: {named}") from held

    @effect
    def resume_poolers(self) -> None:
        self._attempt.see_turn()
        self._each_pooler(lambda pooler: pooler.resume())

    # -- settling --

    def patient(self, fault: UnreachableError) -> bool:
        del fault
        if self._given_up is None:
            self._given_up = time.monotonic() + PATIENCE_SECONDS
        if time.monotonic() > self._given_up:
            return False
        time.sleep(0.2)
        return True

    @effect
    def release(self, epoch: int) -> None:
        if self._given_up is None:
            self._given_up = time.monotonic() + PATIENCE_SECONDS
        self._attempt.take_turn(epoch)

    @effect
    def reopen(self, epoch: int) -> Stand:
        return gate.reopen(self._attempt.turn, epoch)

    def rest(self) -> None:
        self._attempt.close()
        for pooler in self.swap.poolers:
            pooler.let_go()

    # -- after the pause --

    @effect
    def stop_forward(self) -> None:
        remaining = self.swap.forward.remove()
        if remaining:
            raise UnreachableError(
                f"{remaining[0].kind} {remaining[0].name} is left on the {remaining[0].side}: "
                f"{remaining[0].reason}"
            )

    @effect
    def disarm_former(self) -> None:
        with (
            self.swap.follower.session("disarm") as serving,
            self.swap.serving.session("disarm") as former,
        ):
            firing.carry(serving, former)

    @effect
    def start_reverse(self) -> None:
        if self.swap.reverse is not None:
            self.swap.reverse.subscribe(enabled=False)
            self.swap.reverse.enable()

    @effect
    def close_former(self, epoch: int) -> None:
        with self.swap.serving.session("close") as connection:
            gate.close_former(connection, epoch)

    # -- --

    def _left(self) -> float:
        return self._began + self.swap.max_pause - time.monotonic()

    def _schema(self) -> Unchanged:
        assert self._unchanged is not None
        return self._unchanged

    def _side(self, place: Place) -> Any:
        return (self.swap.serving if place == "serving" else self.swap.follower).side

    def _each_pooler(self, act: Callable[[Pooler], None]) -> None:
        if len(self.swap.poolers) <= 1:
            for pooler in self.swap.poolers:
                act(pooler)
            return
        with ThreadPoolExecutor(len(self.swap.poolers)) as pool:
            for done in [pool.submit(act, pooler) for pooler in self.swap.poolers]:
                done.result()


def _scalar(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return None if row is None else row[0]
