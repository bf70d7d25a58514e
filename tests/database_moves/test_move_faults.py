"""Whole moves without a pooler that meet a bad network, lost slots and servers at their limits."""

from __future__ import annotations

import contextlib
import json
import os
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import stalls
from faulty_move import MAJORS, Faulty, left_behind
from kit.holding import Holding
from kit.lost_slot import lose_the_slot
from kit.mover import Mover
from kit.small_disk import MIB, SmallDisks
from move_journey import NAME, Journey
from psycopg.conninfo import make_conninfo

from database_moves import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.proxy import CuttingProxy
    from kit.servers import Servers
    from made import Made

    Recorder = Callable[[str, object], None]

NIGHTLY = bool(os.environ.get("PATCHWORKS_NIGHTLY"))
PHASES = ("copy.slot-created", "stream.subscribed", "verify.saved", "swap.fenced", "swap.decided")
# Beyond the size of a segment of write-ahead log, which the limit lets be.
LARGE = """
CREATE TABLE public."too large" (id int PRIMARY KEY, body text);
ALTER TABLE public."too large" ALTER body SET STORAGE PLAIN;
INSERT INTO public."too large" SELECT n, repeat('x', 7000) FROM generate_series(1, 2600) AS n;
"""

FORWARD = names.stream(NAME, "forward")


class Proxied:
    """A move whose servers, and whose mover, reach each other through proxies only."""

    def __init__(self, faulty: Faulty, proxies: dict[str, CuttingProxy]) -> None:
        self.faulty = faulty
        self.proxies = proxies

    def each(self, act: Callable[[CuttingProxy], object]) -> None:
        for proxy in self.proxies.values():
            act(proxy)


@pytest.fixture
def make_faulty(
    own: Servers,
    own_pair: tuple[Made, Made],
    tmp_path: Path,
    make_workload: Callable[..., Any],
) -> Iterator[Callable[..., Faulty]]:
    """Begin a workload of direct clients; how the mover reaches the two sides can be given."""
    made: list[Faulty] = []

    def make(**reached_by: str) -> Faulty:
        source, target = own_pair
        workload = make_workload(direct=[source.owner_dsn] * 3, pace=0.05)
        workload.install(source.owner_dsn)
        holding = Holding(tmp_path / "holding")
        mover = Mover(
            reached_by.get("source", source.mover_dsn),
            reached_by.get("target", target.mover_dsn),
            tmp_path / "moves",
            environment=holding.environment,
        )
        made.append(Faulty(Journey(source, target, None, workload, mover), holding, own))
        return made[-1]

    yield make
    for faulty in made:
        faulty.settle()


@pytest.fixture
def proxied(
    make_faulty: Callable[..., Faulty],
    own_pair: tuple[Made, Made],
    cut_between: Callable[[Made], CuttingProxy],
) -> Proxied:
    proxies = {side: cut_between(made) for side, made in zip(MAJORS, own_pair, strict=True)}
    reached_by = {
        side: make_conninfo(made.mover_dsn, host=proxies[side].host, port=proxies[side].port)
        for side, made in zip(MAJORS, own_pair, strict=True)
    }
    return Proxied(make_faulty(**reached_by), proxies)


def begin(journey: Journey) -> None:
    journey.workload.start()
    journey.workload.wait_for_writes(10)


def serves_with_all(journey: Journey, made: Made, record: Recorder) -> None:
    assert journey.serving() is made
    journey.workload.wait_for_writes(5)
    audit = journey.account()
    assert audit.stuck == ()
    record(stalls.PROPERTY, audit.longest_stall_seconds)


@pytest.mark.parametrize("shift", range(3) if NIGHTLY else [0])
def test_a_network_that_resets_refuses_and_swallows_stops_no_move(
    proxied: Proxied, shift: int, record_property: Recorder
) -> None:
    faulty = proxied.faulty

    def drop() -> None:
        proxied.each(lambda proxy: proxy.drop())

    def forward() -> None:
        proxied.each(lambda proxy: proxy.forward())

    def refuse() -> None:
        faulty.for_a_while(lambda: proxied.each(lambda proxy: proxy.refuse()), forward)

    def swallow() -> None:
        faulty.for_a_while(lambda: proxied.each(lambda proxy: proxy.black_hole()), forward)

    for number, place in enumerate(PHASES):
        faulty.holding.at(place, (drop, refuse, swallow)[(number + shift) % 3])
    begin(faulty.journey)
    faulty.until_done("move", "--jobs", "2", "--max-pause", "60")
    assert faulty.holding.left == set()
    assert faulty.journey.serving() is faulty.journey.target
    swallow()
    faulty.settle()
    drop()
    faulty.until_done("rollback")
    serves_with_all(faulty.journey, faulty.journey.source, record_property)


def test_a_lost_slot_sends_a_move_back_to_its_copy(
    make_faulty: Callable[..., Faulty], record_property: Recorder
) -> None:
    faulty = make_faulty()
    journey = faulty.journey
    for place in ("copy.copied", "stream.subscribed", "verify.saved"):
        faulty.holding.at(place, lambda: lose_the_slot(journey.source, journey.target, FORWARD))
    begin(journey)
    ends = faulty.until_done("move", "--jobs", "2", "--json")
    assert faulty.holding.left == set()
    steps = [step["name"] for step in json.loads(ends[-1].stdout)["steps"]]
    assert steps.count("copy") == 4
    serves_with_all(journey, journey.target, record_property)


def test_what_can_never_follow_is_refused_and_each_way_out_stays_open(
    make_faulty: Callable[..., Faulty], record_property: Recorder
) -> None:
    faulty = make_faulty()
    journey = faulty.journey
    begin(journey)
    ready = journey.move("--cutover", "manual")
    assert ready.code == 0, ready.stderr
    assert "clients must reconnect" in " ".join(ready.stderr.split())
    lose_the_slot(journey.source, journey.target, FORWARD)
    for _ in range(2):
        refused = journey.command("cutover")
        assert refused.code == 3, refused
        assert "database abort" in refused.stderr
    assert journey.serving() is journey.source
    assert journey.command("abort").code == 0
    assert left_behind(journey.source, journey.target) == []

    again = journey.mover.run("database", "move", "second", "--jobs", "2")
    assert again.code == 0, again.stderr
    assert journey.serving() is journey.target
    lose_the_slot(journey.target, journey.source, names.stream("second", "reverse"))
    refused = journey.mover.run("database", "rollback", "second")
    assert refused.code == 3, refused
    assert "database finish" in refused.stderr
    assert journey.mover.run("database", "finish", "second").code == 0
    assert left_behind(journey.source, journey.target) == []
    serves_with_all(journey, journey.target, record_property)


@contextlib.contextmanager
def every_session_taken(made: Made) -> Iterator[None]:
    """Hold all sessions of a server that no superuser has, in another database."""
    others: list[psycopg.Connection[Any]] = []
    dsn = make_conninfo(made.owner_dsn, dbname="postgres")
    try:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                others.append(psycopg.connect(dsn, autocommit=True))
        yield
    finally:
        for other in others:
            other.close()


@pytest.mark.parametrize("side", MAJORS)
def test_a_server_without_a_free_session_is_waited_for(
    make_faulty: Callable[..., Faulty],
    own_pair: tuple[Made, Made],
    own: Servers,
    side: str,
    record_property: Recorder,
) -> None:
    own.configure(MAJORS[side], max_connections=50)
    own.stop(MAJORS[side])
    own.start(MAJORS[side])
    faulty = make_faulty()
    journey = faulty.journey
    full = own_pair[list(MAJORS).index(side)]

    def exhaust() -> None:
        taken = every_session_taken(full)
        faulty.for_a_while(taken.__enter__, lambda: taken.__exit__(None, None, None))

    for place in PHASES:
        faulty.holding.at(place, exhaust)
    begin(journey)
    faulty.until_done("move", "--jobs", "2", "--max-pause", "60")
    assert faulty.holding.left == set()
    exhaust()
    faulty.until_done("rollback")
    serves_with_all(journey, journey.source, record_property)
    own.configure(MAJORS[side], max_connections=None)


@pytest.fixture
def small_disks(own: Servers) -> Iterator[SmallDisks]:
    with closing(SmallDisks(own)) as disks:
        yield disks


def test_a_target_without_room_fails_with_the_tables_name_and_goes_on_with_room(
    # Set up first, and so taken away when the databases are dropped.
    small_disks: SmallDisks,
    make_faulty: Callable[..., Faulty],
    own_pair: tuple[Made, Made],
    record_property: Recorder,
) -> None:
    disk = small_disks.give(own_pair[1], 18, 17 * MIB)
    record_property("the full disk", type(disk).__name__)
    journey = make_faulty().journey
    with journey.source.owner() as owner:
        owner.execute(LARGE)
    begin(journey)
    for attempt in range(2):
        failed = journey.move("--jobs", "2")
        assert failed.code == 1, failed
        # A disk that is full to its last page has no room to begin anew either. Whichever table
        # meets the end of the disk first is named: others are copied at the same time.
        named = re.search(r'(public."too large"|workload\.\w+)', failed.stderr)
        assert attempt or named, failed.stderr
        assert disk.said in failed.stderr, failed.stderr
        assert disk.remedy in failed.stderr, failed.stderr
        assert "does not answer" not in failed.stderr, failed.stderr
        assert journey.serving() is journey.source
    disk.grow()
    assert journey.move("--jobs", "2").code == 0
    serves_with_all(journey, journey.target, record_property)
