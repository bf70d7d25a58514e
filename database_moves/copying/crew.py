"""The worker processes of a copy: starting them, giving them tasks, noticing when one dies."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from database_moves import nursery
from database_moves.copying.worker import Begin, Do, Done, Failed, Limit, receive, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.copying.parts import Task

_PROJECT = str(Path(__file__).parents[2])

PROGRAM = (
    "import os, signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from database_moves.copying import worker; worker.main(os.getppid())"
)
"""What a process runs: Ctrl-C is the mover's from the first moment on, also while it imports."""

Process = subprocess.Popen[bytes] | nursery.Forked

PROCESSES = 4
"""At most so many processes: one keeps three sessions busy, and each takes some 20 MiB."""


@dataclass
class _Member:
    process: Process
    sessions: int
    tasks: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Died:
    """A worker is gone, with the tasks it had in hand."""

    member: int
    tasks: frozenset[int]
    code: int


class Spares:
    """Processes that were started before there is anything to copy: Python takes a while."""

    def __init__(self) -> None:
        self._processes: list[Process] = []

    def start(self, sessions: int) -> None:
        """Start as many as a crew with so many sessions has."""
        self._processes += [_process() for _ in range(_count(sessions))]

    def take(self) -> Process:
        """One of them, or one that is started now."""
        while self._processes:
            process = self._processes.pop()
            if process.poll() is None:
                return process
            _end(process)
        return _process()

    def close(self) -> None:
        """End those that nobody took."""
        while self._processes:
            _end(self._processes.pop())


class Crew:
    """Processes with `begin.sessions` sessions on each side altogether.

    What they tell is taken with `next`; a process that died must be replaced with `replace`.
    """

    def __init__(self, begin: Begin, spares: Spares | None = None) -> None:
        self._begin = begin
        self._spares = spares or Spares()
        self._told: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._members: dict[int, _Member] = {}
        self._number = 0
        self._rate: float | None = None

    def __enter__(self) -> Crew:
        count = _count(self._begin.sessions)
        try:
            for n in range(count):
                self._start((self._begin.sessions + n) // count)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes' ids."""
        return tuple(member.process.pid for member in self._members.values())

    def stop(self) -> None:
        """End every process; what they have not committed is rolled back."""
        for member in self._members.values():
            member.process.kill()
        for member in self._members.values():
            _end(member.process)
        self._members.clear()

    def idle(self) -> int | None:
        """A process that has a session to spare, the least busy one."""
        number = min(
            self._members,
            key=lambda n: len(self._members[n].tasks) / self._members[n].sessions,
            default=None,
        )
        if number is None:
            return None
        member = self._members[number]
        return number if len(member.tasks) < member.sessions else None

    def give(self, member: int, number: int, task: Task) -> None:
        """Have a process copy a task; if it is dead, `next` will tell."""
        self._members[member].tasks.add(number)
        self._send(self._members[member], Do(number, task))

    def limit(self, rate: float | None) -> None:
        """Bytes a second for each session from now on."""
        self._rate = rate
        for member in self._members.values():
            self._send(member, Limit(rate))

    def next(self, seconds: float) -> Any:
        """What a process told, `Died`, or None when nothing was told in that time."""
        try:
            number, message = self._told.get(timeout=seconds)
        except queue.Empty:
            return None
        member = self._members.get(number)
        if member is None:
            return None
        if message is None:
            return Died(number, frozenset(member.tasks), member.process.wait())
        if isinstance(message, Done | Failed):
            member.tasks.discard(message.number)
        return message

    def replace(self, died: Died) -> None:
        """Start a process in place of one that died."""
        member = self._members.pop(died.member)
        _end(member.process)
        self._start(member.sessions)

    def _start(self, sessions: int) -> None:
        process = self._spares.take()
        self._number += 1
        member = _Member(process, sessions)
        self._members[self._number] = member
        begin = Begin(
            self._begin.source,
            self._begin.target,
            self._begin.snapshot,
            self._begin.identity,
            sessions,
        )
        self._send(member, begin)
        self._send(member, Limit(self._rate))
        threading.Thread(target=self._listen, args=(self._number, process), daemon=True).start()

    def _listen(self, number: int, process: Process) -> None:
        assert process.stdout is not None
        message = object()
        while message is not None:
            try:
                message = receive(process.stdout)
            except (OSError, ValueError):
                message = None
            self._told.put((number, message))

    def _send(self, member: _Member, message: Any) -> None:
        assert member.process.stdin is not None
        with contextlib.suppress(OSError):
            send(member.process.stdin, message)


def _count(sessions: int) -> int:
    return min(sessions, os.cpu_count() or 1, PROCESSES)


def _process() -> Process:
    return nursery.start("database_moves.copying.worker:main", 2) or subprocess.Popen(  # noqa: S603  # this very program, no shell
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(_environment()),
    )


def _end(process: Process) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _environment() -> Iterator[tuple[str, str]]:
    yield from os.environ.items()
    known = os.environ.get("PYTHONPATH")
    yield "PYTHONPATH", _PROJECT + (os.pathsep + known if known else "")
