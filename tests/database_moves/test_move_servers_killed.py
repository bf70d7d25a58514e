"""Whole moves in which a server dies and comes back, wherever the mover is; no write is lost."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
import stalls
from conftest import OWNER, OWNER_PASSWORD
from kit.holding import Holding
from move_journey import NAME, Journey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Made
    from kit.mover import Ended
    from kit.servers import Servers

pytestmark = pytest.mark.needs_pgbouncer

NIGHTLY = bool(os.environ.get("PATCHWORKS_NIGHTLY"))

DOWN_SECONDS = 1.0

PLACES = {
    "source": (
        "copy.slot-created",
        "stream.subscribed",
        "verify.saved",
        "swap.fenced",
        "swap.decided",
    ),
    "target": (
        "copy.copied",
        "stream.subscribed",
        "verify.saved",
        "swap.drained",
        "swap.decided",
    ),
}
"""In each phase of a move up to its soak, which has its own fault; every day in one move."""

ALONE = (
    "prepare.closed",
    "schema.restored",
    "copy.slot-created",
    "indexes.done",
    "constraints.done",
    "stream.subscribed",
    "verify.saved",
    "swap.prepared",
    "swap.poolers-paused",
    "swap.fenced",
    "swap.locked",
    "swap.drained",
    "swap.follower-ready",
    "swap.decided",
    "swap.poolers-resumed",
    "swap.forward-stopped",
    "swap.former-disarmed",
)
"""At night each is met alone as well."""

MAJORS = {"source": 16, "target": 18}

ROUNDS = list(PLACES.items())
if NIGHTLY:
    ROUNDS += [(side, (place,)) for side in MAJORS for place in ALONE]


class Faulty:
    """A move under load on servers that die."""

    def __init__(self, journey: Journey, holding: Holding, own: Servers) -> None:
        self.journey = journey
        self.holding = holding
        self._own = own
        self._returning: list[threading.Thread] = []

    def kill(self, side: str) -> None:
        """Kill a server, and have it back after a while."""
        self._own.kill(MAJORS[side])
        back = threading.Timer(DOWN_SECONDS, self._own.start, (MAJORS[side],))
        back.start()
        self._returning.append(back)

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


@pytest.fixture
def faulty(
    own: Servers,
    own_pair: tuple[Made, Made],
    tmp_path: Path,
    make_pooler: Callable[..., Any],
    make_workload: Callable[..., Any],
    make_mover: Callable[..., Any],
) -> Iterator[Faulty]:
    source, target = own_pair
    pooler = make_pooler({"app": source})
    workload = make_workload(
        pooled=[pooler.dsn("app", OWNER, OWNER_PASSWORD)] * 2, direct=[source.owner_dsn], pace=0.05
    )
    workload.install(source.owner_dsn)
    holding = Holding(tmp_path / "holding")
    mover = make_mover(source, target, environment=holding.environment)
    found = Faulty(Journey(source, target, pooler, workload, mover), holding, own)
    yield found
    found.settle()


@pytest.mark.parametrize(
    ("side", "places"),
    ROUNDS,
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_a_server_that_dies_and_comes_back_stops_no_move(
    faulty: Faulty,
    side: str,
    places: tuple[str, ...],
    record_property: Callable[[str, object], None],
) -> None:
    journey = faulty.journey
    for place in places:
        faulty.holding.at(place, lambda: faulty.kill(side))
    journey.workload.start()
    journey.workload.wait_for_writes(10)
    faulty.until_done("move", "--jobs", "2", "--max-pause", "60")
    assert faulty.holding.left == set()
    assert journey.status()["phase"] == "soak"
    assert journey.serving() is journey.target

    # In the soak: the side that follows, or the one that serves.
    faulty.kill(side)
    faulty.settle()
    journey.workload.wait_for_writes(10)
    faulty.until_done("rollback")
    assert journey.serving() is journey.source
    journey.workload.wait_for_writes(5)
    audit = journey.account()
    assert audit.stuck == ()
    record_property(stalls.PROPERTY, audit.longest_stall_seconds)
