"""The effects of a swap on real servers and poolers."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import psycopg
from psycopg import errors as postgresql

from database_moves import inventory
from database_moves.carry import firing, large_objects, sequences, unlogged
from database_moves.crash_points import reached
from database_moves.cutover import gate, sessions
from database_moves.cutover.protocol import LostError, Stand, UnreachableError
from database_moves.errors import MoveError, RefusedError
from database_moves.poolers.pooler import PoolerUnreachableError
from database_moves.schema import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from database_moves.cutover.guarding import Guard
    from database_moves.cutover.ports import SwitchHook
    from database_moves.cutover.protocol import Place
    from database_moves.database import Database
    from database_moves.inventory import Table
    from database_moves.poolers.pooler import Pooler
    from database_moves.replication.stream import Stream

    Connection = psycopg.Connection[tuple[Any, ...]]

P = ParamSpec("P")
T = TypeVar("T")

TURN_KEY = int.from_bytes(hashlib.sha256(b"patchworks swap turn").digest()[:8], signed=True)
"""The advisory lock on the serving side of who may bring an attempt to its end."""

SESSION = "swap "
"""Sessions of an attempt are named by this and its epoch, so that others can end them."""

PATIENCE_SECONDS = 120.0
"""How long the settling of an attempt is tried before it is left to the next run."""

SETTLING_SECONDS = 30.0
"""How long one effect of settling may take."""


@dataclass(frozen=True)
class Swap:
    """What is to be swapped, and how."""

    move: str
    forward: Stream
    """From the side that serves to the one that is to."""
    reverse: Stream | None
    """The way back, prepared and disabled; None where none is wanted."""
    poolers: tuple[Pooler, ...]
    switch: SwitchHook | None
    max_pause: float
    """Seconds."""
    carry_seconds: float
    cancel_blockers: bool

    @property
    def serving(self) -> Database:
        """The side that serves when the swap begins."""
        return self.forward.publisher

    @property
    def follower(self) -> Database:
        """The side that is to serve."""
        return self.forward.subscriber


def _effect(function: Callable[P, T]) -> Callable[P, T]:
    """Tell a server or pooler that did not answer from everything else that can go wrong."""

    @functools.wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except (postgresql.LockNotAvailable, postgresql.QueryCanceled):
            raise
        except (psycopg.OperationalError, PoolerUnreachableError, psycopg.InterfaceError) as error:
            raise UnreachableError(str(error).strip().splitlines()[0] or "no answer") from error

    return told


@dataclass
class RealWorld:
    """One process's part in a swap: the mover's, its guard's, or that of a later run."""

    swap: Swap
    guard: Guard | None = None
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of each effect."""
    pause_seconds: float = 0.0
    _sessions: dict[str, Connection] = field(default_factory=dict)
    _began: float = 0.0
    _last: float = 0.0
    _given_up: float | None = None
    _marker: int = 0
    _acl: str = ""
    _mark: str = ""
    _before: fingerprint.Fingerprint | None = None
    _tables: tuple[Table, ...] = ()
    _pairs: sequences.Pairs | None = None
    _carried: tuple[str, ...] = ()
    _had_turn: bool = False

    # -- before the pause --

    @_effect
    def begin(self) -> int:
        serving, follower = self.swap.serving, self.swap.follower
        with serving.session("gate") as here, follower.session("gate") as there:
            ours, theirs = gate.read(here), gate.read(there)
        if ours.state != "open" or theirs.state != "closed":
            raise RefusedError(
                f"the {serving.side}'s gate is {ours.state} and the {follower.side}'s is "
                f"{theirs.state}",
                remedy="run the command again, which settles an interrupted swap first",
            )
        epoch = max(ours.epoch, theirs.epoch) + 1
        for name, database in (
            ("serving", serving),
            ("locks", serving),
            ("follower", follower),
        ):
            self._sessions[name] = database.connect(f"{SESSION}{epoch}", autocommit=name != "locks")
        here, there = self._sessions["serving"], self._sessions["follower"]
        if not _scalar(here, "SELECT pg_try_advisory_lock(%s)", TURN_KEY):
            raise RefusedError("an earlier swap is being settled", remedy="try again in a moment")
        self._had_turn = True
        self._tables = tuple(t for t in inventory.tables(here) if t.persistence == "permanent")
        sessions.check_locks(here, self._tables)
        self._carried = self._affordable(here)
        self._pairs = sequences.prepare(here, there)
        self._mark = fingerprint.mark(here)
        self._before = fingerprint.fingerprint_in(here)
        if self.swap.reverse is not None:
            # What there is to pass over now need not be passed over in the pause.
            self.swap.reverse.advance_slot(there)
        self._stop_analyzing(here)
        if self.guard is not None:
            self.guard.begin(epoch, self.swap.max_pause)
        self._began = self._last = time.monotonic()
        return epoch

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
        if effect == "poolers-resumed":
            self.pause_seconds = now - self._began
        reached(f"swap.{effect}")

    @_effect
    def pause_poolers(self) -> None:
        left = self._left()
        self._each_pooler(lambda pooler: pooler.pause(left))

    @_effect
    def fence(self, epoch: int) -> None:
        gate.fence(self._sessions["serving"], epoch)

    @_effect
    def end_sessions(self) -> None:
        sessions.end(
            self._sessions["serving"],
            time.monotonic() + self._left() * 0.8,
            cancel=self.swap.cancel_blockers,
        )

    @_effect
    def lock_tables(self) -> None:
        here = self._sessions["serving"]
        sessions.lock(self._sessions["locks"], self._tables, max(0.01, self._left() * 0.8))
        # One that had come in when the fence fell, and had not shown itself yet.
        sessions.end(here, time.monotonic() + self._left() * 0.5, cancel=True)
        if fingerprint.mark(here) != self._mark:
            assert self._before is not None
            changed = fingerprint.differences(self._before, fingerprint.fingerprint_in(here))
            if changed:
                raise MoveError(f"the schema changed: {', '.join(changed)}")

    @_effect
    def write_marker(self) -> None:
        self._marker = self.swap.forward.beat(self._sessions["serving"])

    @_effect
    def drain(self) -> None:
        self.swap.forward.wait_for_marker(
            self._marker, time.monotonic() + self._left(), self._sessions["follower"]
        )

    @_effect
    def carry(self) -> None:
        here, there = self._sessions["serving"], self._sessions["follower"]
        sequences.carry(here, there, self._pairs)
        if "large objects" in self._carried:
            large_objects.carry(here, there)
        if "unlogged tables" in self._carried:
            unlogged.carry(here, there)
        firing.carry(here, there)

    @_effect
    def advance_reverse(self) -> None:
        if self.swap.reverse is not None:
            self.swap.reverse.advance_slot(self._sessions["follower"])

    @_effect
    def ready_follower(self, epoch: int) -> None:
        gate.ready(
            self._sessions["follower"],
            epoch,
            gate.kept(self._sessions["serving"]),
            self._marker,
            self.swap.serving.side,
        )

    @_effect
    def point_poolers(self, at: Place) -> None:
        self._mine()
        side = self._side(at)
        self._each_pooler(lambda pooler: pooler.point_at(side))

    @_effect
    def switch(self, to: Place) -> None:
        if self.swap.switch is not None:
            settling = self._given_up is not None
            self.swap.switch(self._side(to), SETTLING_SECONDS if settling else self._left())

    @_effect
    def decide(self, epoch: int) -> None:
        locks = self._sessions["locks"]
        gate.decide(locks, epoch)
        locks.commit()

    @_effect
    def open_follower(self, epoch: int) -> None:
        there = self._session("follower", self.swap.follower, epoch)
        firing.release(there)
        gate.open_follower(there, epoch)

    @_effect
    def resume_poolers(self) -> None:
        self._mine()
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

    @_effect
    def release(self, epoch: int) -> None:
        if self._given_up is None:
            self._given_up = time.monotonic() + PATIENCE_SECONDS
        self._close()
        serving, follower = self.swap.serving, self.swap.follower
        # The follower may be what is down; its sessions hold nothing that the serving side needs.
        with (
            contextlib.suppress(psycopg.OperationalError),
            follower.session("settle", timeout=3) as there,
        ):
            sessions.end_attempts(there, f"patchworks {SESSION}", epoch)
        here = serving.connect("settle", timeout=5)
        self._sessions["turn"] = here
        sessions.end_attempts(here, f"patchworks {SESSION}", epoch)
        here.execute("SET lock_timeout = '20s'")
        try:
            here.execute("SELECT pg_advisory_lock(%s)", (TURN_KEY,))
        except postgresql.LockNotAvailable as error:
            raise UnreachableError("another process settles the swap") from error
        here.execute("SET lock_timeout = 0")
        self._had_turn = True

    @_effect
    def reopen(self, epoch: int) -> Stand:
        return gate.reopen(self._turn(), epoch)

    def rest(self) -> None:
        self._had_turn = False
        self._close()

    # -- after the pause --

    @_effect
    def stop_forward(self) -> None:
        remaining = self.swap.forward.remove()
        if remaining:
            raise UnreachableError(
                f"{remaining[0].kind} {remaining[0].name} is left on the {remaining[0].side}: "
                f"{remaining[0].reason}"
            )

    @_effect
    def disarm_former(self) -> None:
        with (
            self.swap.follower.session("disarm") as serving,
            self.swap.serving.session("disarm") as former,
        ):
            firing.carry(serving, former)

    @_effect
    def start_reverse(self) -> None:
        if self.swap.reverse is not None:
            self.swap.reverse.subscribe(enabled=False)
            self.swap.reverse.enable()

    @_effect
    def close_former(self, epoch: int) -> None:
        with self.swap.serving.session("close") as connection:
            gate.close_former(connection, epoch)

    # -- --

    def _left(self) -> float:
        return self._began + self.swap.max_pause - time.monotonic()

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

    def _session(self, name: str, database: Database, epoch: int) -> Connection:
        connection = self._sessions.get(name)
        if connection is None or connection.closed:
            connection = database.connect(f"settle {epoch}", timeout=5)
            self._sessions[name] = connection
        return connection

    def _turn(self) -> Connection:
        connection = self._sessions.get("turn")
        if connection is None or connection.closed:
            raise LostError("the turn to settle was lost with its session")
        return connection

    def _mine(self) -> None:
        """See that this process still has the turn, before it touches a pooler."""
        name = "turn" if "turn" in self._sessions else "serving"
        connection = self._sessions.get(name)
        if connection is None or connection.closed:
            raise LostError("the turn was lost with its session")
        connection.execute("SELECT")

    def _close(self) -> None:
        for connection in self._sessions.values():
            with contextlib.suppress(psycopg.Error):
                connection.close()
        self._sessions.clear()


def _scalar(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return None if row is None else row[0]
