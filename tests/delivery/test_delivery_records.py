"""The table of deliveries on moto: compare-and-set, and a lease that one delivery holds."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from catalog.load import find_root, load
from delivery import lease as leases
from delivery.lease import BusyError, leased
from delivery.records import Lease, Progress, WaveDone
from delivery.table import DeliveryRecords, NoTableError, StaleError
from rehearsal.servers.moto import MotoServer
from stacks.deliveries import deliveries_table_name

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def organization():
    return load(find_root()).organization


@pytest.fixture(scope="module")
def client(tmp_path_factory, organization):
    moto = MotoServer(tmp_path_factory.mktemp("moto"))
    moto.start()
    yield moto.client("dynamodb", organization.accounts.management, organization.home_region)
    moto.stop()


@pytest.fixture
def records(client, organization):
    name = deliveries_table_name(organization.name)
    keys = ("delivery", "part")
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    yield DeliveryRecords(organization, client)
    client.delete_table(TableName=name)


def test_without_the_table_it_is_said_what_to_bring_up(client, organization):
    with pytest.raises(NoTableError, match="bring up the stack `organization` first"):
        DeliveryRecords(organization, client).read(Progress, "abc", "delivery")


def test_a_document_is_read_as_it_was_written(records):
    done = WaveDone(wave="dev", at=NOW)
    written = Progress(commit="abc", waves={"dev": done})
    records.write("abc", "delivery", written, 0)
    found = records.read(Progress, "abc", "delivery")
    assert (found.document, found.revision) == (written, 1)
    assert records.all(Progress, "abc") == {"delivery": written}
    assert records.all(Progress, "abc", "stack#") == {}


def test_a_stale_write_is_refused_and_changes_nothing(records):
    first, second = Progress(commit="1"), Progress(commit="2")
    records.write("abc", "delivery", first, 0)
    for known in (0, 7):
        with pytest.raises(StaleError):
            records.write("abc", "delivery", second, known)
    assert records.read(Progress, "abc", "delivery").document == first


def test_no_change_is_lost_when_many_write_at_once(records):
    def add(number):
        done = WaveDone(wave="dev", at=NOW)
        records.change(
            Progress,
            "abc",
            "delivery",
            lambda known: (known or Progress(commit="abc")).model_copy(
                update={"waves": {**(known.waves if known else {}), str(number): done}}
            ),
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    found = records.read(Progress, "abc", "delivery")
    assert set(found.document.waves) == {str(number) for number in range(24)}
    assert found.revision == 24


def held(records, holder, **settings):
    return leased(records, "dev", holder=holder, commit="abc", wait=0, **settings)


def test_a_second_delivery_is_refused_while_the_first_is_at_work(records):
    with held(records, "one"):
        with pytest.raises(BusyError, match=r"dev is being changed by the delivery of abc \(one\)"):
            held(records, "two").__enter__()
        with leased(records, "staging", holder="two", commit="def", wait=0):
            pass
    with held(records, "two"):
        pass


def test_deliveries_that_wait_come_one_after_the_other(records):
    inside, most = [], []

    def deliver(number):
        told = []
        settings = {"commit": "abc", "wait": 600, "waiting": told.append}
        with leased(records, "dev", holder=str(number), **settings):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.05)
            inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deliver, range(4)))
    assert most == [1, 1, 1, 1]


def test_jobs_of_one_delivery_share_its_lease_and_leave_it_to_each_other(records):
    with held(records, "run", keep=True), held(records, "run", keep=True):
        pass
    with pytest.raises(BusyError):
        held(records, "another").__enter__()
    with held(records, "run"):
        pass
    with held(records, "another"):
        pass


def test_the_lease_of_a_machine_that_died_ends_by_itself(records):
    ended = Lease(environment="dev", holder="dead", commit="abc", until=time.time() - 1)
    records.write("leases", "dev", ended, 0)
    with held(records, "two"):
        pass


def test_a_lease_is_renewed_while_it_is_held(records, monkeypatch):
    monkeypatch.setattr(leases, "SECONDS", 2.0)
    with held(records, "one"):
        first = records.read(Lease, "leases", "dev").document.until
        until = time.time() + 300
        while records.read(Lease, "leases", "dev").document.until == first:
            assert time.time() < until
            time.sleep(0.05)


def test_who_lost_a_lease_is_told_and_does_not_end_the_others(records, monkeypatch):
    monkeypatch.setattr(leases, "SECONDS", 0.4)
    with held(records, "one") as mine:
        known = records.read(Lease, "leases", "dev")
        taken = Lease(environment="dev", holder="two", commit="def", until=time.time() + 600)
        records.change(Lease, "leases", "dev", lambda _: taken)
        assert known.document.holder == "one"
        waited = threading.Event()
        for _ in range(6000):
            if mine.lost:
                break
            waited.wait(0.05)
        assert mine.lost
    assert records.read(Lease, "leases", "dev").document == taken
