"""One client of the workload, a process of its own; `workload.py` starts it and reads its log.

Its first line of standard input is its task, each later one may give it another address; at the
end of the input it stops. Each line of its log is one JSON object: an attempt before it is made,
and how it ended after that is known.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from typing import Any

import psycopg

RETRY_SECONDS = 0.02


class Writer:
    """Writes one thing after the other, and notes what was acknowledged."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.client: int = task["client"]
        self.dsn: str = task["dsn"]
        self.pace: float = task["pace"]
        self.random = random.Random(f"{task['seed']}/{self.client}")
        self.log = os.open(task["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.sequence = 0
        self.stopped = threading.Event()
        self.moved = threading.Event()
        self.connection: psycopg.Connection[Any] | None = None
        self.kinds = (
            [self.insert] * 4
            + [self.count] * 3
            + [self.churn] * 3
            + [self.order] * 3
            + [self.ticket] * 2
            + [self.scratch]
        )

    def note(self, **line: Any) -> None:
        os.write(self.log, json.dumps({"at": time.time(), **line}).encode() + b"\n")

    def run(self) -> None:
        while not self.stopped.is_set():
            work = self.random.choice(self.kinds)
            self.sequence += 1
            name = work.__name__
            detail = {"slot": self.random.randrange(8)} if name == "churn" else {}
            self.note(event="try", sequence=self.sequence, kind=name, **detail)
            try:
                if self.moved.is_set():
                    self.moved.clear()
                    self.disconnect()
                if self.connection is None:
                    self.connection = self.connect()
                result = work(self.connection, **detail)
            except psycopg.Error as error:
                self.failed(error)
                self.stopped.wait(RETRY_SECONDS)
            else:
                self.note(event="acknowledged", sequence=self.sequence, result=result)
            self.stopped.wait(self.random.uniform(0.5, 1.5) * self.pace)
        self.note(event="end")

    def connect(self) -> psycopg.Connection[Any]:
        # A pooler gives every transaction another session, which knows no earlier statement.
        return psycopg.connect(
            self.dsn,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=30,
            application_name=f"writer {self.client}",
            keepalives_idle=5,
            tcp_user_timeout=10_000,
        )

    def disconnect(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def failed(self, error: psycopg.Error) -> None:
        connection = self.connection
        alive = (
            connection is not None
            and not connection.closed
            and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        )
        # Only a server that goes on talking has surely refused; a lost answer says nothing, but
        # without a connection nothing was ever asked.
        known = connection is None or (alive and error.sqlstate is not None)
        if not alive:
            self.disconnect()
        self.note(
            event="failed" if known else "unknown",
            sequence=self.sequence,
            error=type(error).__name__,
            text=str(error)[:300],
        )

    def insert(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            "INSERT INTO workload.entries (client, sequence, body) VALUES (%s, %s, %s)",
            (self.client, self.sequence, f"{self.client}/{self.sequence} \u00fc '\\"),
        )

    def count(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            "UPDATE workload.counters SET n = n + 1 WHERE client = %s", (self.client,)
        )

    def churn(self, connection: psycopg.Connection[Any], slot: int) -> None:
        with connection.transaction():
            connection.execute(
                "DELETE FROM workload.churn WHERE (client, slot) = (%s, %s)", (self.client, slot)
            )
            connection.execute(
                "INSERT INTO workload.churn VALUES (%s, %s, %s)",
                (self.client, slot, self.sequence),
            )

    def order(self, connection: psycopg.Connection[Any]) -> None:
        with connection.transaction():
            connection.execute(
                "INSERT INTO workload.orders VALUES (%s, %s)", (self.client, self.sequence)
            )
            for line in (1, 2):
                connection.execute(
                    "INSERT INTO workload.lines VALUES (%s, %s, %s)",
                    (self.client, self.sequence, line),
                )

    def ticket(self, connection: psycopg.Connection[Any]) -> int:
        row = connection.execute(
            "INSERT INTO workload.tickets (client, sequence) VALUES (%s, %s) RETURNING id",
            (self.client, self.sequence),
        ).fetchone()
        assert row is not None
        return int(row[0])

    def scratch(self, connection: psycopg.Connection[Any]) -> None:
        if self.random.random() < 0.2:
            connection.execute("TRUNCATE workload.scratch")
        else:
            connection.execute("INSERT INTO workload.scratch (client) VALUES (%s)", (self.client,))


def main() -> None:
    writer = Writer(json.loads(sys.stdin.readline()))

    def listen() -> None:
        for line in sys.stdin:
            writer.dsn = json.loads(line)["dsn"]
            writer.moved.set()
        writer.stopped.set()

    threading.Thread(target=listen, daemon=True).start()
    writer.run()


if __name__ == "__main__":
    main()
