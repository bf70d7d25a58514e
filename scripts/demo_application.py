"""The application of the demo: one client that writes through a tenant's pooler without pause.

It is told where to write on standard input, in one line of JSON, as a connection string holds a
password. When its input ends it stops, and prints what it was acknowledged and how long it waited.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import psycopg

PACE_SECONDS = 0.005
RETRY_SECONDS = 0.02


def run(dsn: str, stopped: threading.Event) -> dict[str, Any]:
    """Write until told to stop; the account of it.

    `waits` has every write that took longer than a tenth of a second: when it began (seconds since
    the epoch) and how long it took, errors and new attempts included.
    """
    acknowledged: list[int] = []
    waits: list[tuple[float, float]] = []
    errors: list[str] = []
    number = 0
    session: psycopg.Connection[Any] | None = None
    began = time.time()
    while not stopped.is_set():
        number += 1
        since = time.time()
        while not stopped.is_set():
            try:
                if session is None:
                    # A pooler gives each transaction another session.
                    session = psycopg.connect(
                        dsn, autocommit=True, prepare_threshold=None, connect_timeout=60
                    )
                session.execute("INSERT INTO demo.entry (number) VALUES (%s)", (number,))
            except psycopg.errors.UniqueViolation:
                # Its answer was lost, and it was written all the same.
                acknowledged.append(number)
                break
            except psycopg.Error as error:
                errors.append((str(error).strip().splitlines() or [type(error).__name__])[0])
                if session is not None and session.broken:
                    session = None
                stopped.wait(RETRY_SECONDS)
            else:
                acknowledged.append(number)
                break
        if (took := time.time() - since) > 0.1:
            waits.append((since, took))
        stopped.wait(PACE_SECONDS)
    return {
        "began": began,
        "ended": time.time(),
        "acknowledged": acknowledged,
        "waits": waits,
        "errors": errors,
    }


def main() -> None:
    """Run until standard input ends."""
    dsn = json.loads(sys.stdin.readline())["dsn"]
    stopped = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        stopped.set()

    threading.Thread(target=listen, daemon=True).start()
    sys.stdout.write(json.dumps(run(dsn, stopped)))


if __name__ == "__main__":
    main()
