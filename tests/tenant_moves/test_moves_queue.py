"""The queue itself: order, limits, pause, resume and cancel, on a real store with real workers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fleet_journey import STORE_PASSWORD, lines, store
from journeys import ROOT, environment
from kit.servers import Servers

from database_moves.options import MoveOptions
from tenant_moves.fleet import board, liveness, queues
from tenant_moves.fleet.orders import Limits, Order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# No catalog has them, so that a worker refuses each as soon as it takes it.
FIRST, SECOND, THIRD, FOURTH = "quick-1", "quick-2", "quick-3", "quick-4"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    servers = Servers(tmp_path_factory.mktemp("store"))
    yield store(servers)
    servers.cloud.stop()


def order(tenant: str, priority: int) -> Order:
    return Order(
        tenant=tenant,
        source="here/pool-a",
        target="there/pool-a",
        leaves="here-pool-a",
        arrives="there-pool-a",
        priority=priority,
        options=MoveOptions(cutover="manual"),
    )


def put(url: str, *orders: Order) -> None:
    with queues.opened(url) as client:
        queues.register(client, Limits(per_source=1, per_target=1, per_worker=1))
        queues.put(client, orders)


def moves(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(url, "moves", *arguments)


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.main", *arguments],
        cwd=ROOT,
        env=environment() | {"PATCHWORKS_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=600,
    )


def worker(url: str, state: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.main", "worker", "--until-empty", "--state", str(state)],
        cwd=ROOT,
        env=environment() | {"PATCHWORKS_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def states(url: str) -> dict[str, str]:
    ran = moves(url, "status", "--json")
    found: dict[str, Any] = json.loads(ran.stdout)
    return {entry["order"]["tenant"]: entry["state"] for entry in found["entries"]}


def test_what_is_held_stays_and_the_rest_goes_in_order_one_at_a_time(
    url: str, tmp_path: Path
) -> None:
    put(url, order(SECOND, 20), order(THIRD, 30), order(FIRST, 10), order(FOURTH, 5))
    for arguments, code, said in (
        (("pause",), 0, "nobody begins"),
        (("pause", THIRD), 0, f"{THIRD} is paused"),
        (("cancel", FOURTH), 0, f"{FOURTH} is cancelled"),
        (("cancel", FOURTH), 3, f"{FOURTH} is cancelled"),
        (("resume", FIRST), 3, f"{FIRST} is queued"),
        (("pause", "nobody"), 3, "nobody is not in the queue"),
        (("cancel",), 2, "name tenants, or give --all"),
    ):
        ran = moves(url, *arguments)
        assert ran.returncode == code, (arguments, ran)
        assert said in ran.stdout + ran.stderr
    held = {FIRST: "queued", SECOND: "queued", THIRD: "paused", FOURTH: "cancelled"}
    assert states(url) == held

    running = worker(url, tmp_path)
    said = lines(running)
    name = re.search(r"worker (\S+) begins", next(said))
    assert name is not None
    # A worker is there, and nobody begins.
    while liveness.workers(url) != [name[1]]:
        assert running.poll() is None
    shown = moves(url, "status")
    assert shown.stdout.startswith("Paused; at once 1 from a server, 1 to a server, 1 by a worker")
    assert name[1] in shown.stdout
    assert states(url) == held

    assert moves(url, "resume").returncode == 0
    told = list(said)
    assert running.wait(300) == 0, told
    ends = [line.split()[1] for line in told if ": refused: " in line]
    assert ends == [f"{FIRST}:", f"{SECOND}:"]
    assert all("this worker's catalog has no such tenant" in t for t in told if "refused" in t[:40])

    assert moves(url, "resume", THIRD).returncode == 0
    again = worker(url, tmp_path)
    assert ": refused: " in "".join(lines(again))
    assert again.wait(300) == 0
    assert states(url) == {
        FIRST: "refused",
        SECOND: "refused",
        THIRD: "refused",
        FOURTH: "cancelled",
    }
    watched = moves(url, "status", "--watch")
    assert watched.returncode == 1
    assert STORE_PASSWORD not in watched.stdout + watched.stderr


def test_of_a_tenant_that_is_queued_again_the_latest_entry_counts(url: str) -> None:
    put(url, order("again", 7))
    assert moves(url, "cancel", "again").returncode == 0
    put(url, order("again", 3))
    with queues.opened(url) as client:
        found = board.of_tenants(board.read(client, url), ["again"])["again"]
    assert (found.entry, found.state, found.order.priority) == ("fleet.again.2", "queued", 3)
    assert moves(url, "cancel", "--all").returncode == 0
    assert states(url)["again"] == "cancelled"


def test_limits_stay_until_they_are_set_again_even_while_the_queue_is_paused(url: str) -> None:
    with queues.opened(url) as client:
        queues.pause(client, paused=True)
        wanted = Limits(per_source=3, per_target=4, per_worker=5)
        queues.register(client, wanted)
    with queues.opened(url) as client:
        assert queues.limits(client) == wanted
        assert queues.is_paused(client)
        queues.pause(client, paused=False)
        assert not queues.is_paused(client)


def test_a_store_that_is_missing_or_does_not_answer_is_told_without_its_password(
    tmp_path: Path,
) -> None:
    for url, code, said in (
        ("", 2, "PATCHWORKS_DATABASE_URL is not set"),
        ("sqlite:///moves.sqlite", 2, "is no URL of PostgreSQL"),
        ("postgresql://queue:very-secret@127.0.0.1:1/queue", 1, "can't be used"),
    ):
        for arguments in (("moves", "status"), ("worker", "--state", str(tmp_path))):
            ran = run(url, *arguments)
            assert ran.returncode == code, (url, arguments, ran)
            assert said in ran.stderr
            assert "very-secret" not in ran.stdout + ran.stderr
