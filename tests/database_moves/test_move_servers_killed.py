"""Whole moves in which a server dies and comes back, wherever the mover is; no write is lost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import stalls
from faulty_move import MAJORS, Faulty
from kit.holding import Holding
from made import OWNER, OWNER_PASSWORD
from move_journey import Journey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.servers import Servers
    from made import Made

pytestmark = pytest.mark.needs_pgbouncer

NIGHTLY = bool(os.environ.get("PATCHWORKS_NIGHTLY"))

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

ROUNDS = list(PLACES.items())
if NIGHTLY:
    ROUNDS += [(side, (place,)) for side in MAJORS for place in ALONE]


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
