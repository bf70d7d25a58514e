"""A cell is emptied by workers of which most die, while every tenant's application writes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
from typing import TYPE_CHECKING

import psycopg
import pytest
from fleet_journey import IRELAND, VIRGINIA, FleetJourney, lines

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

pytestmark = pytest.mark.needs_pgbouncer

LACKING = "birch"
TENANTS = ("ash", LACKING, "fern", "oak-mill")
THERE = f"{VIRGINIA}/pool-a"
PATIENCE_SECONDS = 900.0

KILLED_AT = ("swap",)
if os.environ.get("PATCHWORKS_NIGHTLY"):
    KILLED_AT = ("expand", "schema", "follow", "objects", "prepare swap", "swap")


@pytest.fixture
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetJourney]:
    fleet = FleetJourney(tmp_path_factory.mktemp("fleet"), TENANTS)
    fleet.rehearse()
    fleet.install()
    yield fleet
    fleet.stop()


@contextlib.contextmanager
def for_some_time(worker: subprocess.Popen[str]) -> Iterator[None]:
    """End a worker that says nothing for ever, so that what it said is told."""
    ending = threading.Timer(PATIENCE_SECONDS, worker.kill)
    ending.start()
    try:
        yield
    finally:
        ending.cancel()


def until(worker: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read what a worker says up to a line that matches."""
    said = []
    with for_some_time(worker):
        for line in lines(worker):
            said.append(line)
            found = re.search(pattern, line)
            if found:
                return found
    raise AssertionError(f"the worker never said {pattern}: {said}")


def rest(worker: subprocess.Popen[str]) -> str:
    """The rest of what a worker says, to its end."""
    with for_some_time(worker):
        said = "\n".join(lines(worker))
        worker.wait()
    return said


def lose_session(fleet: FleetJourney) -> None:
    """End the sessions by which workers are known as alive."""
    with psycopg.connect(fleet.url, autocommit=True) as session:
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'patchworks worker %'"
        )


@pytest.mark.parametrize("step", KILLED_AT)
def test_every_tenant_that_can_arrives_whoever_dies_on_the_way(
    fleet: FleetJourney, step: str
) -> None:
    assert fleet.evacuated(IRELAND, VIRGINIA) == dict.fromkeys(TENANTS, f"{IRELAND}/pool-a")
    clients = fleet.workloads()
    with contextlib.ExitStack() as stack:
        for each in clients.values():
            stack.enter_context(each)
        with fleet.pretended_extension(LACKING, "hoststore"):
            queued = fleet.enqueue("--per-source", "3", "--per-target", "3")
            assert queued.returncode == 0, queued.stderr
            watch = fleet.begin_watching()

            killed = fleet.worker()
            hit = until(killed, rf" (\S+): {step}$")[1]
            stopped = fleet.worker()
            killed.kill()
            taken_over = until(stopped, r"is gone; queued again: (.+)")[1]
            # Who was hit may have been through before the worker was dead.
            taken = taken_over.split(", ")
            assert hit in taken or fleet.states()[hit] == "moved", taken
            until(stopped, r": (expand|preflight|prepare swap|swap|objects)$")
            stopped.send_signal(signal.SIGINT)
            said = rest(stopped)
            assert stopped.returncode == 130, said
            assert "any worker goes on with them" in said
            assert "left where it is; it is served" in said

            last = fleet.worker("--until-empty")
            said = rest(last)
            assert last.returncode == 0, said
        assert fleet.states() == dict.fromkeys(TENANTS, "moved") | {LACKING: "refused"}, said
        assert watch.wait(300) == 1
        shown = watch.communicate()[1]
        assert f"{LACKING}: refused: " in shown
        assert "does not offer the extensions hoststore" in shown
        assert fleet.serving(LACKING) == f"{IRELAND}/pool-a"

        # Its fault is mended. A worker that others take for dead stands still, and its tenant's
        # process does not: another worker's has to wait for it.
        # The old cell's pooler ends with the move, so the client has to go before.
        clients[LACKING].stop()
        queued = fleet.enqueue("--finish")
        assert "queued 1 tenant; " in queued.stdout, queued
        lost = fleet.worker()
        with fleet.counting_movers(LACKING) as movers:
            until(lost, rf"{LACKING}: (expand|preflight|schema|copy)$")
            lost.send_signal(signal.SIGSTOP)
            lose_session(fleet)
            heir = fleet.worker("--until-empty")
            until(heir, rf"is gone; queued again: {LACKING}$")
            said = rest(heir)
            assert heir.returncode == 0, said
        lost.send_signal(signal.SIGCONT)
        assert "is lost" in rest(lost)
        assert lost.returncode == 1
        assert movers.at_most == 1
        assert fleet.states() == dict.fromkeys(TENANTS, "moved"), said
        for tenant in set(TENANTS) - {LACKING}:
            clients[tenant].wait_for_writes(3)
    for tenant in TENANTS:
        assert fleet.serving(tenant) == THERE
        assert fleet.disagreeing(tenant) == []
        audit = clients[tenant].audit(fleet.direct(tenant))
        assert (audit.lost, audit.doubled, audit.pooler_errors) == ((), (), ()), tenant
        assert audit.acknowledged > 10
        # Who was queued with --finish has no way back, and nothing of its old database is left.
        assert fleet.in_a_move(tenant) is (tenant != LACKING)
        assert fleet.has_database(tenant, IRELAND) is (tenant != LACKING)
    again = fleet.enqueue()
    assert "nobody is to be queued" in again.stdout
