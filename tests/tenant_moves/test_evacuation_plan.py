"""Where a cell's tenants go: by version, by room and by balance, with every refusal at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.load import find_root, load
from catalog.tenant import Placement, Tenant
from database_moves.errors import RefusedError
from tenant_moves.fleet import evacuation
from tenant_moves.fleet.capacity import Capacity, cell_cpus
from tenant_moves.slices import key

if TYPE_CHECKING:
    from catalog.catalog import Catalog

SHIPPED = load(find_root())
IRELAND, VIRGINIA, SYDNEY = "prod-eu-west-1", "prod-us-east-1", "prod-ap-southeast-2"


def tenant(name: str, database: str = "pool-a", connections: int = 90, cpu: str = "4") -> Tenant:
    shipped = SHIPPED.tenants["brightwater"]
    quota = shipped.quota.model_copy(update={"database_connections": connections, "cpu": cpu})
    placement = Placement(cell=IRELAND, database=database)
    return shipped.model_copy(update={"name": name, "quota": quota, "placement": placement})


def catalog(*tenants: Tenant) -> Catalog:
    return SHIPPED.model_copy(update={"tenants": {each.name: each for each in tenants}})


def planned(found: Catalog, *targets: str) -> dict[str, str]:
    relocations = evacuation.plan(found, IRELAND, targets, {}).relocations
    return {each.tenant: key(each.target) for each in relocations}


def test_tenants_are_spread_so_that_cells_fill_evenly_and_versions_stay() -> None:
    found = planned(catalog(*(tenant(f"t-{n}") for n in range(6))), VIRGINIA, SYDNEY)
    # Both cells' pool-a has the major version; the smaller cell is fuller with one tenant of them.
    assert {place.partition("/")[2] for place in found.values()} == {"pool-a"}
    assert set(found.values()) == {f"{VIRGINIA}/pool-a", f"{SYDNEY}/pool-a"}


def test_a_newer_version_is_taken_only_where_the_same_is_full() -> None:
    # 4,997 connections fit: two of these do, a third does not.
    three = [tenant(f"t-{n}", connections=1990) for n in range(3)]
    found = planned(catalog(*three), VIRGINIA)
    assert found == {
        "t-0": f"{VIRGINIA}/pool-a",
        "t-1": f"{VIRGINIA}/pool-a",
        "t-2": f"{VIRGINIA}/pool-b",
    }


def test_everyone_who_fits_nowhere_is_named_with_every_reason() -> None:
    full = [tenant(f"t-{n}", connections=1990) for n in range(6)]
    with pytest.raises(evacuation.CanNotEvacuateError) as refusal:
        planned(catalog(*full, tenant("newest", database="pool-b")), VIRGINIA)
    assert len(refusal.value.reasons) == 3
    newest, *others = refusal.value.reasons
    assert newest == (
        "newest (100 connections, 4 CPU) fits nowhere: "
        f"{VIRGINIA}/pool-a is PostgreSQL 16.8, older than its 18; "
        f"{VIRGINIA}/pool-b is PostgreSQL 17.5, older than its 18"
    )
    for reason in others:
        assert f"{VIRGINIA}/pool-a would have 6000 of 4997 connections" in reason
        assert f"{VIRGINIA}/pool-b would have 6000 of 4997 connections" in reason


def test_who_is_suspended_being_created_or_deleted_stays_and_takes_no_room_elsewhere() -> None:
    late = tenant("late", connections=4_990).model_copy(update={"suspended": "unpaid since May"})
    news = tenant("news", connections=4_990)
    unsettled = {"news": "is being created (no end yet)", "gone": "is being deleted"}
    goes = tenant("goes")
    alone = evacuation.plan(catalog(goes), IRELAND, [VIRGINIA], {})
    found = evacuation.plan(catalog(late, news, goes), IRELAND, [VIRGINIA], unsettled)
    assert (found.relocations, found.filled) == (alone.relocations, alone.filled)
    assert found.left_out == unsettled | {"late": "is suspended (unpaid since May)"}


def test_the_cpus_of_a_cell_are_a_limit_as_well() -> None:
    most = cell_cpus(SHIPPED.cells[SYDNEY])
    two = [tenant(f"t-{n}", cpu=f"{most // 2 + 1}") for n in range(2)]
    with pytest.raises(evacuation.CanNotEvacuateError) as refusal:
        planned(catalog(*two), SYDNEY)
    (reason,) = refusal.value.reasons
    assert reason.count(f"{SYDNEY} would have {most + 2} of {most} CPUs") == 1


def test_a_database_of_its_own_goes_along_and_is_backed_up_as_its_new_cell_is() -> None:
    found = evacuation.plan(catalog(SHIPPED.tenants["aurelia-health"]), IRELAND, [VIRGINIA], {})
    (moved,) = found.relocations
    region = SHIPPED.cells[VIRGINIA].databases["pool-a"].backup_region
    assert moved.values == {
        ("placement", "cell"): VIRGINIA,
        ("placement", "dedicated", "backup_region"): region,
    }


def test_a_cell_that_can_take_nobody_is_refused_with_every_reason() -> None:
    with pytest.raises(RefusedError, match="it is of dev, and they are of prod"):
        evacuation.targets_of(SHIPPED, IRELAND, "dev-eu-west-1")
    with pytest.raises(RefusedError, match="the only cell of dev"):
        evacuation.targets_of(SHIPPED, "dev-eu-west-1", None)
    assert evacuation.targets_of(SHIPPED, IRELAND, None) == [SYDNEY, VIRGINIA]


def test_a_tenant_that_is_taken_away_leaves_room_as_if_it_had_never_been_there() -> None:
    capacity = Capacity(SHIPPED)
    whole = {name: capacity.loads(each.placement) for name, each in SHIPPED.tenants.items()}
    for each in SHIPPED.tenants.values():
        capacity.take(each, each.placement)
    for each in SHIPPED.tenants.values():
        assert {load.used for load in capacity.loads(each.placement)} == {0}
        assert not list(capacity.faults(each.placement))
    for each in SHIPPED.tenants.values():
        capacity.put(each, each.placement)
    assert whole == {n: capacity.loads(each.placement) for n, each in SHIPPED.tenants.items()}
