"""A move under load that meets faults where a test wants them, and is begun again when told to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from move_journey import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.holding import Holding
    from kit.mover import Ended
    from kit.servers import Servers
    from made import Made
    from move_journey import Journey

MAJORS = {"source": 16, "target": 18}
"""The servers of `own_pair`."""

DOWN_SECONDS = 1.0


class Faulty:
    """A move under load on servers that die."""

    def __init__(self, journey: Journey, holding: Holding, own: Servers) -> None:
        self.journey = journey
        self.holding = holding
        self._own = own
        self._returning: list[threading.Thread] = []

    def kill(self, side: str) -> None:
        """Kill a server, and have it back after a while."""
        major = MAJORS[side]
        self.for_a_while(lambda: self._own.kill(major), lambda: self._own.start(major))

    def for_a_while(self, begin: Callable[[], object], end: Callable[[], object]) -> None:
        """Do something, and undo it after a while."""
        begin()
        timer = threading.Timer(DOWN_SECONDS, end)
        timer.start()
        self._returning.append(timer)

    def settle(self) -> None:
        """Wait until all servers are back."""
        for thread in self._returning:
            thread.join()

    def until_done(self, verb: str, *options: str) -> list[Ended]:
        """Run a command as a person would who is told to run it again; how each run ended."""
        ends: list[Ended] = []
        for _ in range(12):
            with self.journey.mover.start(
                "database", verb, NAME, *self.journey.pooling, *options
            ) as running:
                ends.append(self.holding.until_ended(running))
            self.settle()
            assert ends[-1].code in (0, 1, 4), ends[-1]
            assert "Traceback" not in ends[-1].stderr, ends[-1].stderr
            if ends[-1].code == 0:
                return ends
        raise AssertionError([(end.code, end.stderr[-300:]) for end in ends])


def left_behind(*databases: Made) -> list[str]:
    """Slots, subscriptions and publications that databases have."""
    found: list[str] = []
    for made in databases:
        with made.superuser() as connection:
            for query in (
                "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()",
                "SELECT subname FROM pg_subscription WHERE subdbid = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())",
                "SELECT pubname FROM pg_publication",
            ):
                found += [str(row[0]) for row in connection.execute(query.encode())]
    return found
