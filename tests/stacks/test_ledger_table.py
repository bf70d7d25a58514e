"""The ledger on moto: changed by compare-and-set only, with a history that has no gap."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from catalog.catalog import placements
from catalog.load import find_root, load
from catalog.tenant import Placement
from rehearsal.servers.moto import MotoServer
from stacks.ledger import read_ledger, table_name
from stacks.ledger_table import LedgerTable, StaleEntryError
from tests.ledger_tables import make_ledger_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.catalog import Catalog

POOL_A = Placement(cell="prod-eu-west-1", database="pool-a")
POOL_B = Placement(cell="prod-eu-west-1", database="pool-b")
FAR = Placement(cell="prod-us-east-1", database="pool-a")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(find_root())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Iterator[Any]:
    moto = MotoServer(tmp_path_factory.mktemp("moto"))
    moto.start()
    organization = catalog.organization
    client = moto.client("dynamodb", organization.accounts.management, organization.home_region)
    make_ledger_table(client, table_name(organization.name))
    yield client
    moto.stop()


@pytest.fixture
def table(catalog: Catalog, client: Any) -> LedgerTable:
    return LedgerTable(catalog.organization, client)


def test_a_tenant_that_was_never_served_has_no_entry(table: LedgerTable) -> None:
    assert table.entry("nobody") is None
    assert table.history("nobody") == []


def test_what_is_written_is_read_and_every_change_is_kept(
    table: LedgerTable, catalog: Catalog, client: Any
) -> None:
    first = table.change("brightwater", None, placement=POOL_A, why="created")
    begun = table.change(
        "brightwater", first, placement=POOL_A, target=FAR, move="brightwater-2", why="move begins"
    )
    moved = table.change(
        "brightwater", begun, placement=FAR, keeps=POOL_A, move="brightwater-2", why="moved"
    )
    assert table.entry("brightwater") == moved
    assert table.history("brightwater") == [first, begun, moved]
    assert [entry.revision for entry in table.history("brightwater")] == [1, 2, 3]
    # Programs see the same, the placement that is kept included.
    ledger = read_ledger(catalog, client)
    tenant = catalog.tenants["brightwater"].model_copy(update={"placement": FAR})
    assert placements(tenant, ledger) == (FAR, POOL_A)


def test_a_stale_change_is_refused_and_changes_nothing(table: LedgerTable) -> None:
    first = table.change("stale", None, placement=POOL_A, why="created")
    second = table.change("stale", first, placement=POOL_B, why="moved")
    with pytest.raises(StaleEntryError, match="revision 2") as refused:
        table.change("stale", first, placement=FAR, why="too late")
    assert refused.value.found == second
    assert table.entry("stale") == second
    assert len(table.history("stale")) == 2
    with pytest.raises(StaleEntryError):
        table.change("stale", None, placement=FAR, why="created again")


def test_of_many_writers_at_once_exactly_one_wins(table: LedgerTable) -> None:
    known = table.change("contended", None, placement=POOL_A, why="created")

    def try_it(number: int) -> bool:
        try:
            table.change("contended", known, placement=POOL_B, why=f"writer {number}")
        except StaleEntryError:
            return False
        return True

    with ThreadPoolExecutor(8) as writers:
        won = list(writers.map(try_it, range(16)))
    assert won.count(True) == 1
    entry = table.entry("contended")
    assert entry is not None
    assert entry.revision == 2
    assert entry.why == f"writer {won.index(True)}"
    assert table.history("contended")[-1] == entry


def test_an_entry_that_something_else_wrote_can_be_changed_once(
    table: LedgerTable, catalog: Catalog, client: Any
) -> None:
    client.put_item(
        TableName=table_name(catalog.organization.name),
        Item={
            "tenant": {"S": "older"},
            "version": {"N": "0"},
            "placement": {"S": json.dumps({"cell": "prod-eu-west-1", "database": "pool-a"})},
        },
    )
    older = table.entry("older")
    assert older is not None
    assert (older.revision, older.placement) == (0, POOL_A)
    assert table.change("older", older, placement=FAR, why="moved").revision == 1
    with pytest.raises(StaleEntryError):
        table.change("older", older, placement=POOL_B, why="moved twice")


def test_a_placement_of_its_own_keeps_its_settings(table: LedgerTable, catalog: Catalog) -> None:
    dedicated = catalog.tenants["aurelia-health"].placement
    assert dedicated.dedicated is not None
    written = table.change("aurelia-health", None, placement=dedicated, why="created")
    assert table.entry("aurelia-health") == written
    assert written.placement.dedicated == dedicated.dedicated
