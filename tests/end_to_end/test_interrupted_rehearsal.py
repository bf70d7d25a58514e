"""Rehearsals that are interrupted or killed, and clouds that lose what they had, go on."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from journeys import Journey

from catalog import names
from rehearsal.servers import process
from rehearsal.state import StackState

CELL, TENANT = "dev-eu-west-1", "showcase"
STACKS = ("organization", f"cell.{CELL}", f"tenant.{TENANT}")


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    journey = Journey(tmp_path_factory.mktemp("one cell"), {CELL, TENANT}.__contains__)
    try:
        yield journey
    finally:
        journey.cloud.reset()


def applied(journey: Journey) -> int:
    """How many lines the journals have, which grow with each operation."""
    return sum(file.read_bytes().count(b"\n") for file in journey.state.glob("stacks/*.jsonl"))


def wait_for_more(journey: Journey, lines: int) -> None:
    wanted, deadline = applied(journey) + lines, time.monotonic() + 600
    while applied(journey) < wanted:
        assert time.monotonic() < deadline, "the rehearsal makes no headway"
        time.sleep(0.01)


def made(journey: Journey) -> int:
    """How many resources there are."""
    return sum(len(state(journey, stack).resources) for stack in STACKS)


def state(journey: Journey, stack: str) -> StackState:
    return StackState.read(journey.cloud.stack_state(stack), journey.cloud.secrets)


def test_an_interrupt_ends_it_with_one_line_and_the_next_goes_on(journey: Journey) -> None:
    rehearsal = journey.begin("rehearse")
    wait_for_more(journey, 120)
    rehearsal.send_signal(signal.SIGINT)
    said, complained = rehearsal.communicate(timeout=600)
    assert (rehearsal.returncode, said) == (130, ""), complained
    assert complained.splitlines() == [
        "patchworks: stopping after the resource under way",
        "patchworks: interrupted",
    ]
    assert state(journey, "organization").begun == {}
    assert len(state(journey, "organization").resources) >= 50
    begun = made(journey)

    rehearsal = journey.begin("rehearse")
    wait_for_more(journey, 60)
    rehearsal.send_signal(signal.SIGTERM)
    _, complained = rehearsal.communicate(timeout=600)
    assert rehearsal.returncode == 130, complained
    assert made(journey) > begun


def test_killed_at_any_moment_it_goes_on_and_ends_as_if_it_had_not_been(
    journey: Journey,
) -> None:
    moments = random.Random(7)
    kills = 0
    while True:
        rehearsal = journey.begin("rehearse")
        deadline = time.monotonic() + 600
        wanted = applied(journey) + moments.randrange(60, 400)
        while rehearsal.poll() is None and applied(journey) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        if rehearsal.poll() is not None or kills == 5:
            break
        rehearsal.kill()
        rehearsal.communicate()
        kills += 1
    _, complained = rehearsal.communicate(timeout=900)
    assert rehearsal.returncode == 0, complained
    assert kills >= 3
    assert journey.rehearse().touched() == set()
    for stack in STACKS:
        known = state(journey, stack)
        assert (known.begun, known.leftovers) == ({}, [])
    # Nothing was made twice on the way.
    cell = journey.load().cells[CELL]
    ec2 = journey.cloud.aws("ec2", cell.account, cell.region)
    by_type = Counter(a.type for s in STACKS for a in state(journey, s).resources.values())
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["false"]}])["Vpcs"]
    inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    assert len(ec2.describe_subnets(Filters=inside)["Subnets"]) == by_type["aws:ec2/subnet:Subnet"]
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    assert len(gateways) == by_type["aws:ec2/natGateway:NatGateway"]
    groups = ec2.describe_security_groups(Filters=inside)["SecurityGroups"]
    assert len({group["GroupName"] for group in groups}) == len(groups)


def test_two_rehearsals_at_once_take_turns(journey: Journey) -> None:
    both = [journey.begin("rehearse", "organization") for _ in range(2)]
    for rehearsal in both:
        _, complained = rehearsal.communicate(timeout=900)
        assert rehearsal.returncode == 0, complained
        assert complained.startswith("organization: ")
        assert "created" not in complained


def test_a_database_server_that_was_killed_comes_back_with_its_rows(journey: Journey) -> None:
    dsn = _note_a_row(journey)
    (pid,) = [s.pid for s in journey.cloud.status() if s.server == _cluster(journey)[0]]
    assert pid is not None
    _kill(pid)
    assert journey.rehearse(f"tenant.{TENANT}").touched() == set()
    assert _rows(dsn) == [("kept",)]


def test_aws_that_lost_everything_is_made_again_and_databases_keep_their_rows(
    journey: Journey,
) -> None:
    before = {type for _, type, _ in _resources(journey)}
    running = journey.cloud.moto.status()
    assert running is not None
    _kill(running.pid)
    rehearsed = journey.rehearse()
    again = {type for operation, type, _ in rehearsed.touched() if operation == "create"}
    assert {"Vpc", "Bucket", "Role", "Cluster", "Key"} <= again
    assert again.isdisjoint({"Database", "Grant", "Namespace", "RandomPassword"})
    assert journey.rehearse().touched() == set()
    assert {type for _, type, _ in _resources(journey)} == before
    dsn = f"{_superuser(journey)} dbname={TENANT}"
    assert _rows(dsn) == [("kept",)]


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while process.of(pid) is not None:
        time.sleep(0.01)


def _resources(journey: Journey) -> set[tuple[str, str, str]]:
    return {
        (stack, applied.type, applied.name)
        for stack in STACKS
        for applied in state(journey, stack).resources.values()
    }


def _cluster(journey: Journey) -> tuple[str, str]:
    catalog = journey.load()
    database = catalog.tenants[TENANT].placement.database
    cell = catalog.cells[CELL]
    return names.database_cluster(cell, database), cell.databases[database].engine_version


def _superuser(journey: Journey) -> str:
    return journey.cloud.postgresql.ensure(*_cluster(journey)).superuser_dsn


def _note_a_row(journey: Journey) -> str:
    dsn = f"{_superuser(journey)} dbname={TENANT}"
    with psycopg.connect(dsn) as session:
        session.execute("create table notes (note text)")
        session.execute("insert into notes values ('kept')")
    return dsn


def _rows(dsn: str) -> list[tuple[str]]:
    with psycopg.connect(dsn) as session:
        return session.execute("select note from notes").fetchall()
