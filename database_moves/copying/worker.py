"""A process that copies: it takes tasks from its standard input and answers on its output.

Run by `crew`, which has Ctrl-C left to the mover. Credentials come in by the pipe. It ends
when its input does, so it cannot outlive the mover.
"""

from __future__ import annotations

import os
import pickle
import queue
import struct
import sys
import threading
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import psycopg

from database_moves import crash_points
from database_moves.copying.rate import Rate
from database_moves.copying.transfer import (
    BuildError,
    PartError,
    RewrittenError,
    SnapshotGoneError,
    Transfer,
    UnexpectedRowsError,
)

if TYPE_CHECKING:
    from database_moves.copying.parts import Task
    from database_moves.database import Database

TELL_SECONDS = 0.2
"""How often a running task's bytes are told."""


@dataclass(frozen=True)
class Begin:
    """First message: what to copy between, with how many sessions on each side."""

    source: Database
    target: Database
    snapshot: str
    identity: str
    sessions: int


@dataclass(frozen=True)
class Do:
    """Copy a task; `rate` holds for each session from now on, in bytes a second."""

    number: int
    task: Task


@dataclass(frozen=True)
class Limit:
    """Bytes a second for each session from now on."""

    rate: float | None


@dataclass(frozen=True)
class Moved:
    """So many more bytes of a task went over."""

    number: int
    bytes: int


@dataclass(frozen=True)
class Done:
    """A task is committed."""

    number: int
    rows: int
    bytes: int


@dataclass(frozen=True)
class Failed:
    """A task is not committed, or nobody knows whether it is.

    `kind` is the error's class, `state` its SQLSTATE; `lost` says that a connection was.
    """

    number: int
    kind: str
    message: str
    state: str | None
    lost: bool


def send(pipe: IO[bytes], message: Any) -> None:
    """Write one message; both ends are this program."""
    data = pickle.dumps(message)
    pipe.write(struct.pack(">I", len(data)) + data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Read one message; None at the end of the pipe."""
    head = pipe.read(4)
    if len(head) < 4:
        return None
    (size,) = struct.unpack(">I", head)
    data = pipe.read(size)
    # Only this program's own other end writes to the pipe.
    return pickle.loads(data) if len(data) == size else None  # noqa: S301


class Worker:
    """Some threads, each with a session on both sides; most of their time they wait for sockets."""

    def __init__(self, begin: Begin, answers: IO[bytes]) -> None:
        self._begin = begin
        self._answers = answers
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[Do] = queue.SimpleQueue()
        self._rate: float | None = None

    def run(self, orders: IO[bytes]) -> None:
        """Take orders until there are no more, then end at once, whatever is under way."""
        for _ in range(self._begin.sessions):
            threading.Thread(target=self._work, daemon=True).start()
        while (order := receive(orders)) is not None:
            if isinstance(order, Limit):
                self._rate = order.rate
            else:
                self._tasks.put(order)
        os._exit(0)

    def _answer(self, message: Any) -> None:
        with self._lock:
            send(self._answers, message)

    def _work(self) -> None:
        number = 0
        unsaid = 0
        said = time.monotonic()
        rate = Rate(None, said)

        def passed(size: int) -> None:
            nonlocal unsaid, said
            now = time.monotonic()
            unsaid += size
            if now - said > TELL_SECONDS:
                self._answer(Moved(number, unsaid))
                unsaid, said = 0, now
            rate.rate = self._rate
            if wait := rate.take(size, now):
                time.sleep(wait)

        begin = self._begin
        transfer = Transfer(begin.source, begin.target, begin.snapshot, begin.identity, passed)
        transfer.open()
        while True:
            order = self._tasks.get()
            number, unsaid = order.number, 0
            try:
                copied = transfer.copy(order.task)
            except Exception as error:
                self._answer(failure(number, error))
            else:
                self._answer(Done(number, copied.rows, copied.bytes))


def failure(number: int, error: Exception) -> Failed:
    """What the mover needs to know of an error."""
    cause = error.cause if isinstance(error, PartError) else error
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    lost = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) and (
        state is None or state[:2] == "08" or state in _PASSING
    )
    lost = lost or state in _PASSING
    known = isinstance(
        error,
        BuildError
        | PartError
        | SnapshotGoneError
        | RewrittenError
        | UnexpectedRowsError
        | psycopg.Error,
    )
    message = str(error) if known else f"{type(error).__name__}: {error}"
    return Failed(number, type(error).__name__, message, state, lost)


# Shutting down, crashed, starting up, out of connections, serialization, deadlock.
_PASSING = frozenset(("57P01", "57P02", "57P03", "53300", "40001", "40P01"))


def main(mover: int) -> None:
    """Work for the process that started this one, or had it started."""
    crash_points.work_for(mover)
    orders, answers = sys.stdin.buffer, sys.stdout.buffer
    begin = receive(orders)
    if begin is not None:
        Worker(begin, answers).run(orders)
