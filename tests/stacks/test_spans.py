"""Peerings are there while a tenant spans their cells, and only then, whoever dies meanwhile.

The ledger is moto's. `Engine` stands for Pulumi: one update of a stack at a time, and the program
reads the ledger inside it.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from catalog.load import find_root, load
from catalog.tenant import Placement, Retained
from rehearsal.servers.moto import MotoServer
from stacks import spans
from stacks.ledger import read_ledger, table_name
from stacks.ledger_table import LedgerTable
from tests.ledger_tables import make_ledger_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.catalog import Catalog

HERE = Placement(cell="prod-eu-west-1", database="pool-a")
NEAR = Placement(cell="prod-eu-west-1", database="pool-b")
FAR = Placement(cell="prod-us-east-1", database="pool-b")
PAIR = "prod-eu-west-1.prod-us-east-1"
STACK = f"peering.{PAIR}"


class KilledError(Exception):
    """The process died."""


class Engine:
    """What is there of each peering: databases by cell, or nothing."""

    def __init__(self, catalog: Catalog, client: Any) -> None:
        self._catalog = catalog
        self._client = client
        self._lock = threading.Lock()
        self.there: dict[str, Any] = {}
        self.updates = 0

    def up(self, stack: str) -> None:
        with self._lock:
            found = spans.spanned(read_ledger(self._catalog, self._client), stack.partition(".")[2])
            time.sleep(random.uniform(0, 0.01))
            self.there[stack] = found
            self.updates += 1

    def killed(self, stack: str) -> None:
        raise KilledError(stack)


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    moto = MotoServer(tmp_path_factory.mktemp("moto"))
    moto.start()
    yield moto
    moto.stop()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(find_root())


@pytest.fixture
def client(moto: MotoServer, catalog: Catalog) -> Iterator[Any]:
    organization = catalog.organization
    client = moto.client("dynamodb", organization.accounts.management, organization.home_region)
    name = table_name(organization.name)
    make_ledger_table(client, name)
    yield client
    client.delete_table(TableName=name)


@pytest.fixture
def table(catalog: Catalog, client: Any) -> LedgerTable:
    table = LedgerTable(catalog.organization, client)
    for tenant in ("one", "two"):
        table.change(tenant, None, placement=HERE, why="brought up")
    return table


@pytest.fixture
def engine(catalog: Catalog, client: Any) -> Engine:
    return Engine(catalog, client)


def end(table: LedgerTable, tenant: str, engine: Engine) -> None:
    spans.part(table, tenant, None, engine.up)
    spans.forget(table, tenant, None)


def test_a_peering_comes_with_the_first_tenant_and_goes_with_the_last(
    table: LedgerTable, engine: Engine
) -> None:
    spans.join(table, "one", (HERE, FAR), engine.up)
    assert engine.there == {
        STACK: {"prod-eu-west-1": {"pool-a"}, "prod-us-east-1": {"pool-b"}},
    }
    spans.join(table, "two", (NEAR, FAR), engine.up)
    assert engine.there[STACK]["prod-eu-west-1"] == {"pool-a", "pool-b"}
    end(table, "one", engine)
    assert engine.there[STACK]["prod-eu-west-1"] == {"pool-b"}
    end(table, "two", engine)
    assert engine.there[STACK] is None
    entry = table.entry("two")
    assert entry is not None
    assert (entry.spans, entry.parting) == ((), False)


def test_within_a_cell_nothing_is_joined_and_nothing_is_written(
    table: LedgerTable, engine: Engine
) -> None:
    before = table.entry("one")
    spans.join(table, "one", (HERE, NEAR), engine.up)
    end(table, "one", engine)
    assert (table.entry("one"), engine.updates) == (before, 0)


def test_again_writes_nothing_and_brings_up_what_is_there(
    table: LedgerTable, engine: Engine
) -> None:
    spans.join(table, "one", (HERE, FAR), engine.up)
    before = table.entry("one")
    spans.join(table, "one", (HERE, FAR), engine.up)
    assert (table.entry("one"), engine.updates) == (before, 2)


def test_a_tenant_keeps_what_else_its_entry_says(table: LedgerTable, engine: Engine) -> None:
    left = [Retained(cell=FAR.cell, bucket="b")]
    entry = table.change(
        "one",
        table.entry("one"),
        placement=HERE,
        target=FAR,
        keeps=FAR,
        move="m",
        why="moves",
        retained=left,
    )
    spans.join(table, "one", (HERE, FAR), engine.up)
    found = table.entry("one")
    assert found is not None
    kept = {"revision", "at", "why", "spans"}
    assert found.model_dump(exclude=kept) == entry.model_dump(exclude=kept)


def test_who_died_while_parting_counts_for_nobody_and_parts_again(
    table: LedgerTable, engine: Engine
) -> None:
    spans.join(table, "one", (HERE, FAR), engine.up)
    spans.join(table, "two", (HERE, FAR), engine.up)
    with pytest.raises(KilledError):
        spans.part(table, "one", None, engine.killed)
    end(table, "two", engine)
    assert engine.there[STACK] is None
    entry = table.entry("one")
    assert entry is not None
    assert entry.parting, "nobody would know that it is not done"
    end(table, "one", engine)
    entry = table.entry("one")
    assert entry is not None
    assert (entry.spans, entry.parting) == ((), False)


def test_who_died_after_joining_is_counted_until_it_comes_back(
    table: LedgerTable, engine: Engine
) -> None:
    with pytest.raises(KilledError):
        spans.join(table, "one", (HERE, FAR), engine.killed)
    spans.join(table, "two", (HERE, FAR), engine.up)
    end(table, "two", engine)
    assert engine.there[STACK] is not None
    end(table, "one", engine)
    assert engine.there[STACK] is None


def test_another_move_s_end_parts_nothing(table: LedgerTable, engine: Engine) -> None:
    entry = table.change("one", table.entry("one"), placement=HERE, target=FAR, move="m", why="")
    spans.join(table, "one", (HERE, FAR), engine.up)
    end(table, "one", engine)
    assert engine.there[STACK] is not None
    spans.part(table, "one", entry.move, engine.up)
    assert engine.there[STACK] is None


def test_in_three_cells_every_pair_is_joined(table: LedgerTable, engine: Engine) -> None:
    third = Placement(cell="prod-ap-south-1", database="pool-a")
    spans.join(table, "one", (HERE, FAR, third), engine.up)
    assert set(engine.there) == {
        STACK,
        "peering.prod-ap-south-1.prod-eu-west-1",
        "peering.prod-ap-south-1.prod-us-east-1",
    }


def test_however_many_come_and_go_at_once_whoever_spans_has_a_way(
    table: LedgerTable, engine: Engine
) -> None:
    names = [f"tenant-{number}" for number in range(6)]
    missing: list[str] = []
    failures: list[BaseException] = []

    def live(tenant: str) -> None:
        chance = random.Random(tenant)
        try:
            table.change(tenant, None, placement=HERE, why="brought up")
            for _ in range(4):
                spans.join(table, tenant, (HERE, FAR), engine.up)
                for _ in range(3):
                    time.sleep(chance.uniform(0, 0.02))
                    if not engine.there[STACK]:
                        missing.append(tenant)
                if chance.random() < 0.3:
                    with pytest.raises(KilledError):
                        spans.part(table, tenant, None, engine.killed)
                end(table, tenant, engine)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=live, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert (missing, failures) == ([], [])
    assert engine.there[STACK] is None
