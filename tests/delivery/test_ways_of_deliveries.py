"""A delivery joins two cells before a tenant comes up in both, and parts them when it is in one.

The ledger is moto's; the engine only notes what it was asked to bring up.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from catalog.load import find_root, load
from catalog.tenant import Placement
from delivery.ways import close_ways, open_ways
from rehearsal.servers.moto import MotoServer
from stacks.ledger import read_ledger, table_name
from stacks.ledger_table import LedgerTable
from tests.ledger_tables import make_ledger_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TENANT = "brightwater"
HERE = Placement(cell="prod-eu-west-1", database="pool-a")
FAR = Placement(cell="prod-us-east-1", database="pool-b")
PEERING = "peering.prod-eu-west-1.prod-us-east-1"


class Delivery:
    """One tenant declared somewhere, and served by a ledger."""

    def __init__(self, client: Any) -> None:
        self.catalog = load(find_root())
        self.table = LedgerTable(self.catalog.organization, client)
        self.client = client
        self.brought: list[str] = []

    def desk(self, declared: Placement) -> Any:
        tenant = self.catalog.tenants[TENANT].model_copy(update={"placement": declared})
        return SimpleNamespace(
            catalog=self.catalog.model_copy(update={"tenants": {TENANT: tenant}}),
            ledger=read_ledger(self.catalog, self.client),
            engine=SimpleNamespace(dynamodb=lambda: self.client, up=self.brought.append),
        )

    def deliver(self, declared: Placement) -> list[str]:
        """What was brought up beside the tenant's stack."""
        self.brought.clear()
        desk = self.desk(declared)
        open_ways(desk, TENANT)
        self.brought.append("tenant")
        close_ways(desk, TENANT)
        return list(self.brought)

    @property
    def spans(self) -> tuple[str, ...]:
        entry = self.table.entry(TENANT)
        assert entry is not None
        assert not entry.parting
        return entry.spans


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Delivery]:
    moto = MotoServer(tmp_path / "moto")
    moto.start()
    organization = load(find_root()).organization
    client = moto.client("dynamodb", organization.accounts.management, organization.home_region)
    make_ledger_table(client, table_name(organization.name))
    yield Delivery(client)
    moto.stop()


def test_a_placement_that_is_put_back_unmoved_leaves_no_way_behind(delivery: Delivery) -> None:
    assert delivery.deliver(HERE) == ["tenant"]
    delivery.table.change(TENANT, None, placement=HERE, why="brought up for the first time")
    assert delivery.deliver(HERE) == ["tenant"]
    assert delivery.deliver(FAR) == [PEERING, "tenant"]
    assert delivery.spans == ("prod-eu-west-1/pool-a", "prod-us-east-1/pool-b")
    # The stack still has what it is to lose in the other cell.
    assert delivery.deliver(HERE) == [PEERING, "tenant", PEERING]
    assert delivery.spans == ()
    assert delivery.deliver(HERE) == ["tenant"]


def test_the_way_of_a_move_under_way_is_left_to_the_move(delivery: Delivery) -> None:
    entry = delivery.table.change(TENANT, None, placement=HERE, why="")
    delivery.table.change(
        TENANT,
        entry,
        placement=FAR,
        target=FAR,
        move="m",
        spans=("prod-eu-west-1/pool-a", "prod-us-east-1/pool-b"),
        why="closed, and the old database is still to be dropped",
    )
    assert delivery.deliver(FAR) == [PEERING, "tenant"]
    assert delivery.spans == ("prod-eu-west-1/pool-a", "prod-us-east-1/pool-b")
