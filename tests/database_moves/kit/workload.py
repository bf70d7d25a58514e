"""Clients that write all the time, each in a process of its own, and the account of their writes.

What a client was told is done stands in a log outside the database. A write whose answer was lost
may be there once or not at all; one that was acknowledged must be there exactly once.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

SCHEMA = """
CREATE SCHEMA workload;
CREATE TABLE workload.entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client int NOT NULL, sequence bigint NOT NULL, body text NOT NULL);
CREATE TABLE workload.counters (client int PRIMARY KEY, n bigint NOT NULL);
CREATE TABLE workload.churn (
    client int, slot int, sequence bigint NOT NULL, PRIMARY KEY (client, slot));
CREATE TABLE workload.orders (client int, sequence bigint, PRIMARY KEY (client, sequence));
CREATE TABLE workload.lines (
    client int, sequence bigint, line int, PRIMARY KEY (client, sequence, line),
    FOREIGN KEY (client, sequence) REFERENCES workload.orders);
CREATE TABLE workload.tickets (
    id serial PRIMARY KEY, client int NOT NULL, sequence bigint NOT NULL);
CREATE TABLE workload.scratch (id serial PRIMARY KEY, client int NOT NULL);
"""

_WRITER = Path(__file__).with_name("writer.py")
_STOP_SECONDS = 60.0

Write = tuple[int, int]
"""A client's number and the number that the client gave the write."""


@dataclass(frozen=True)
class Audit:
    """The account of all writes."""

    acknowledged: int
    lost: tuple[str, ...]
    """What was acknowledged and is not there."""
    doubled: tuple[str, ...]
    """What is there more often, or in another form, than any client wrote it."""
    unknown: int
    """Writes whose answer never came."""
    unknown_present: int
    """How many of those are there; of counters it is not told which."""
    longest_stall_seconds: float
    """From a client's wish to write to the next acknowledgement of that client, at most."""
    errors_by_kind: dict[str, int]
    """What clients through the pooler and directly were told, by exception."""
    pooler_errors: tuple[str, ...]
    """What clients through the pooler alone were told."""
    stuck: tuple[int, ...]
    """Clients that had to be killed at the end, as they were waiting for an answer."""

    @property
    def sound(self) -> bool:
        """Nothing lost and nothing doubled."""
        return not self.lost and not self.doubled


@dataclass
class _Log:
    """What one client's log says."""

    attempts: dict[int, dict[str, Any]] = field(default_factory=dict)
    acknowledged: dict[int, Any] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    errors: list[tuple[str, str]] = field(default_factory=list)
    longest_stall: float = 0.0
    ended: bool = False

    def of_kind(self, kind: str) -> tuple[list[int], list[int]]:
        """Writes of one kind: those acknowledged, and those of which nothing is known."""
        of_it = [number for number, line in self.attempts.items() if line["kind"] == kind]
        return (
            [number for number in of_it if number in self.acknowledged],
            [n for n in of_it if n not in self.acknowledged and n not in self.refused],
        )


class Workload:
    """Writers on the tables of `SCHEMA`, which `install` makes.

    `pooled` and `direct` say how the clients come in, one DSN each; `pace` is the mean pause of
    each client between two writes, in seconds. At most eight clients are light on two cores.
    """

    def __init__(
        self,
        directory: Path,
        *,
        pooled: Sequence[str] = (),
        direct: Sequence[str] = (),
        pace: float = 0.02,
        seed: int = 1,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._pooled = len(pooled)
        self._dsns = [*pooled, *direct]
        self._logs = [directory / f"client-{n}.log" for n in range(len(self._dsns))]
        self._pace = pace
        self._seed = seed
        self._processes: list[subprocess.Popen[str]] = []
        self._stuck: list[int] = []

    def install(self, owner_dsn: str) -> None:
        """Make the tables, as the role that the writers come in as."""
        with psycopg.connect(owner_dsn) as connection:
            connection.execute(SCHEMA.encode())
            connection.execute(
                "INSERT INTO workload.counters SELECT g, 0 FROM generate_series(0, %s) AS g",
                (len(self._dsns) - 1,),
            )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the clients, and wait until each has written."""
        for client, (dsn, log) in enumerate(zip(self._dsns, self._logs, strict=True)):
            process = subprocess.Popen(
                [sys.executable, _WRITER],
                stdin=subprocess.PIPE,
                text=True,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            )
            self._processes.append(process)
            task = {"client": client, "dsn": dsn, "log": str(log)}
            self._tell(process, task | {"pace": self._pace, "seed": self._seed})
        self.wait_for_writes(1)

    def point_direct_at(self, dsn: str) -> None:
        """Give the direct clients another address, as an application's own switch would."""
        for process in self._processes[self._pooled :]:
            self._tell(process, {"dsn": dsn})

    def wait_for_writes(self, number: int, timeout: float = 300.0) -> None:
        """Wait until each client has had so many more writes acknowledged."""
        wanted = [self._acknowledged(log) + number for log in self._logs]
        deadline = time.monotonic() + timeout
        while any(self._acknowledged(log) < n for log, n in zip(self._logs, wanted, strict=True)):
            if time.monotonic() > deadline:
                ends = [log.read_bytes()[-300:] if log.exists() else b"" for log in self._logs]
                raise TimeoutError(f"clients have not written in {timeout} s: {ends}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Let each client finish what it does; kill one that waits for an answer in vain."""
        for process in self._processes:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        deadline = time.monotonic() + _STOP_SECONDS
        for client, process in enumerate(self._processes):
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._stuck.append(client)
                process.kill()
                process.wait()
        self._processes.clear()

    def audit(self, database_superuser_dsn: str) -> Audit:
        """Account for every write in the database that serves now; stop the clients before."""
        assert not self._processes, "the clients must be stopped first"
        logs = [_read(log) for log in self._logs]
        dead = [n for n, log in enumerate(logs) if not log.ended and n not in self._stuck]
        assert not dead, f"clients {dead} ended by themselves"
        lost: list[str] = []
        doubled: list[str] = []
        present = 0
        with psycopg.connect(database_superuser_dsn) as connection:
            for check in (_entries, _orders, _tickets, _counters, _churn):
                for fault, unknown in check(connection, logs):
                    present += unknown
                    if fault is not None:
                        (lost if fault.startswith("lost") else doubled).append(fault)
        errors = Counter(kind for log in logs for kind, _ in log.errors)
        return Audit(
            acknowledged=sum(len(log.acknowledged) for log in logs),
            lost=tuple(lost),
            doubled=tuple(doubled),
            unknown=sum(
                len(log.attempts) - len(log.acknowledged) - len(log.refused) for log in logs
            ),
            unknown_present=present,
            longest_stall_seconds=max(log.longest_stall for log in logs),
            errors_by_kind=dict(errors),
            pooler_errors=tuple(text for log in logs[: self._pooled] for _, text in log.errors),
            stuck=tuple(self._stuck),
        )

    @staticmethod
    def _acknowledged(log: Path) -> int:
        return log.read_bytes().count(b'"acknowledged"') if log.exists() else 0

    @staticmethod
    def _tell(process: subprocess.Popen[str], message: dict[str, Any]) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()


def _read(file: Path) -> _Log:
    log = _Log()
    since: float | None = None
    at = 0.0
    for line in file.read_text().splitlines():
        entry = json.loads(line)
        at = entry["at"]
        match entry["event"]:
            case "try":
                log.attempts[entry["sequence"]] = entry
                since = at if since is None else since
            case "acknowledged":
                log.acknowledged[entry["sequence"]] = entry["result"]
                # The first write waits for its connection, which no client calls a stall.
                if since is not None and len(log.acknowledged) > 1:
                    log.longest_stall = max(log.longest_stall, at - since)
                since = None
            case "failed" | "unknown" as event:
                log.errors.append((entry["error"], entry["text"]))
                if event == "failed":
                    log.refused.add(entry["sequence"])
            case "end":
                log.ended = True
    if since is not None:
        log.longest_stall = max(log.longest_stall, at - since)
    return log


def _rows(
    kind: str, logs: Sequence[_Log], found: Counter[Write], name: Callable[[Write], str]
) -> Iterator[tuple[str | None, int]]:
    """The account of writes that leave rows of their own; `found` says how often each is there.

    Gives faults, if any, each with a number of unknown writes that turned out to be there.
    """
    allowed: set[Write] = set()
    for client, log in enumerate(logs):
        acknowledged, unknown = log.of_kind(kind)
        allowed |= {(client, number) for number in acknowledged + unknown}
        for number in acknowledged:
            if found[client, number] == 0:
                yield f"lost {name((client, number))}", 0
        yield None, sum(found[client, number] > 0 for number in unknown)
    for write, times in found.items():
        if times > 1:
            yield f"{name(write)} is there {times} times", 0
        if times and write not in allowed:
            yield f"{name(write)} was never written", 0


def _entries(
    connection: psycopg.Connection[Any], logs: Sequence[_Log]
) -> Iterator[tuple[str | None, int]]:
    rows = connection.execute("SELECT client, sequence FROM workload.entries").fetchall()
    yield from _rows("insert", logs, Counter(rows), lambda write: f"entry {write}")


def _orders(
    connection: psycopg.Connection[Any], logs: Sequence[_Log]
) -> Iterator[tuple[str | None, int]]:
    rows = connection.execute(
        "SELECT client, sequence, o.client IS NOT NULL, count(l.line) FROM workload.orders AS o "
        "FULL JOIN workload.lines AS l USING (client, sequence) GROUP BY 1, 2, 3"
    ).fetchall()
    for client, sequence, whole, lines in rows:
        if not whole or lines != 2:
            yield f"order {(client, sequence)} is in part there: {lines} lines", 0
    found = Counter((client, sequence) for client, sequence, *_ in rows)
    yield from _rows("order", logs, found, lambda write: f"order {write}")


def _tickets(
    connection: psycopg.Connection[Any], logs: Sequence[_Log]
) -> Iterator[tuple[str | None, int]]:
    ids: dict[Write, list[int]] = defaultdict(list)
    for number, *write in connection.execute("SELECT id, client, sequence FROM workload.tickets"):
        ids[write[0], write[1]].append(number)
    found = Counter({write: len(numbers) for write, numbers in ids.items()})
    yield from _rows("ticket", logs, found, lambda write: f"ticket {write}")
    for client, log in enumerate(logs):
        for sequence in log.of_kind("ticket")[0]:
            got = ids.get((client, sequence), [])
            if got and log.acknowledged[sequence] not in got:
                yield f"ticket {(client, sequence)} has another number than was promised", 0


def _counters(
    connection: psycopg.Connection[Any], logs: Sequence[_Log]
) -> Iterator[tuple[str | None, int]]:
    values = dict(connection.execute("SELECT client, n FROM workload.counters").fetchall())
    for client, log in enumerate(logs):
        acknowledged, unknown = map(len, log.of_kind("count"))
        extra = values.get(client, 0) - acknowledged
        if extra < 0:
            yield f"lost {-extra} of {acknowledged} of client {client}'s counts", 0
        elif extra > unknown:
            yield f"client {client} counted {acknowledged} times and {extra} more are there", 0
        yield None, min(max(extra, 0), unknown)


def _churn(
    connection: psycopg.Connection[Any], logs: Sequence[_Log]
) -> Iterator[tuple[str | None, int]]:
    found = {
        (client, slot): sequence
        for client, slot, sequence in connection.execute("SELECT * FROM workload.churn")
    }
    for client, log in enumerate(logs):
        acknowledged, unknown = log.of_kind("churn")
        last: dict[int, int] = {}
        for sequence in acknowledged:
            last[log.attempts[sequence]["slot"]] = sequence
        for slot in {log.attempts[n]["slot"] for n in acknowledged + unknown}:
            there, wanted = found.pop((client, slot), 0), last.get(slot, 0)
            later = {n for n in unknown if n > wanted and log.attempts[n]["slot"] == slot}
            if there < wanted:
                yield f"lost churn {(client, wanted)} in slot {slot}, where {there} is", 0
            elif there != wanted and there not in later:
                yield f"churn {(client, there)} in slot {slot} is not its last, {wanted}", 0
            yield None, int(there in later)
    for place in found:
        yield f"churn {place} was never written", 0
