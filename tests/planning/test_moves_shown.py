"""A changed placement is shown as a move: its way, its steps, what is refused, who lets it in."""

from typing import Any

import pytest

from catalog.catalog import Catalog
from catalog.load import find_root, load
from catalog.tenant import Placement
from planning.checks import CHECKS
from planning.moves import moves

TENANT = "brightwater"


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return load(find_root())


def placed(catalog: Catalog, **placement: Any) -> Catalog:
    tenant = catalog.tenants[TENANT]
    moved = tenant.model_copy(update={"placement": Placement(**placement)})
    return catalog.model_copy(update={"tenants": catalog.tenants | {TENANT: moved}})


def with_cell(catalog: Catalog, name: str, **changes: Any) -> Catalog:
    cell = catalog.cells[name].model_copy(update=changes)
    return catalog.model_copy(update={"cells": catalog.cells | {name: cell}})


def with_engine(catalog: Catalog, cell: str, database: str, version: str) -> Catalog:
    databases = catalog.cells[cell].databases
    other = databases[database].model_copy(update={"engine_version": version})
    return with_cell(catalog, cell, databases=databases | {database: other})


def dedicated(catalog: Catalog) -> dict[str, Any]:
    settings = next(iter(catalog.cells["prod-eu-west-1"].databases.values()))
    return {"cell": "prod-eu-west-1", "database": "dedicated", "dedicated": settings}


def test_no_placement_that_changes_is_no_move(shipped):
    assert moves(shipped, shipped) == []


def test_a_tenant_that_comes_or_goes_moves_nowhere(shipped):
    without = shipped.model_copy(
        update={"tenants": {n: t for n, t in shipped.tenants.items() if n != TENANT}}
    )
    assert moves(without, shipped) == moves(shipped, without) == []


def test_other_settings_of_its_own_database_are_no_move(shipped):
    base = placed(shipped, **dedicated(shipped))
    settings = dedicated(shipped)
    settings["dedicated"] = settings["dedicated"].model_copy(update={"readers": 3})
    assert moves(base, placed(shipped, **settings)) == []


@pytest.mark.parametrize(
    ("placement", "kind"),
    [
        ({"cell": "prod-eu-west-1", "database": "pool-b"}, "to another database of the same cell"),
        (
            {"cell": "prod-us-east-1", "database": "pool-a"},
            "to another region: eu-west-1 to us-east-1",
        ),
    ],
)
def test_the_kind_of_a_move_is_said(shipped, placement, kind):
    (move,) = moves(shipped, placed(shipped, **placement))
    assert (move.tenant, str(move.before)) == (TENANT, "prod-eu-west-1/pool-a")
    assert str(move.after) == f"{placement['cell']}/{placement['database']}"
    assert move.kind == kind


def test_a_move_into_and_out_of_a_database_of_its_own_is_said(shipped):
    own = placed(shipped, **dedicated(shipped))
    (there,) = moves(shipped, own)
    (back,) = moves(own, shipped)
    assert there.kind == "to a database of its own in the same cell"
    assert back.kind == "from its own database to a shared one of the same cell"
    assert there.refused == back.refused == ()


def test_a_move_to_another_cell_takes_objects_and_route_and_one_within_a_cell_does_not(shipped):
    far = placed(shipped, cell="prod-us-east-1", database="pool-a")
    near = placed(shipped, **dedicated(shipped))
    (away,), (here,) = moves(shipped, far), moves(shipped, near)
    peering = "peering.prod-eu-west-1.prod-us-east-1"
    for words in ("the bucket's objects", "the hostnames' route", peering, "so is the peering"):
        assert any(words in step for step in away.steps)
        assert not any(words in step for step in here.steps)
    assert away.steps[0].startswith("merge: nothing moves yet")
    assert "tenant finish brightwater" in away.steps[-1]


@pytest.mark.parametrize(
    ("change", "placement", "reason"),
    [
        (
            lambda c: c,
            {"cell": "prod-mars-1", "database": "pool-a"},
            "there is no cell prod-mars-1",
        ),
        (
            lambda c: c,
            {"cell": "prod-us-east-1", "database": "pool-z"},
            "the cell prod-us-east-1 has no database pool-z",
        ),
        (
            lambda c: c,
            {"cell": "staging-eu-west-1", "database": "pool-a"},
            "a move stays within its environment: prod to staging",
        ),
        (
            lambda c: with_engine(c, "prod-us-east-1", "pool-a", "15.12"),
            {"cell": "prod-us-east-1", "database": "pool-a"},
            "PostgreSQL 15.12 is older than",
        ),
        (
            lambda c: with_cell(c, "prod-us-east-1", cloud="gcp"),
            {"cell": "prod-us-east-1", "database": "pool-a"},
            "there are no components for gcp",
        ),
        (
            lambda c: c.model_copy(
                update={"cells": {n: v for n, v in c.cells.items() if n != "prod-eu-west-1"}}
            ),
            {"cell": "prod-us-east-1", "database": "pool-a"},
            "the cell prod-eu-west-1 is not in the catalog any more",
        ),
        (
            lambda c: with_cell(
                c,
                "prod-eu-west-1",
                databases={"other": c.cells["prod-eu-west-1"].databases["pool-a"]},
            ),
            {"cell": "prod-eu-west-1", "database": "other"},
            "the database pool-a of prod-eu-west-1 is not in the catalog any more",
        ),
    ],
)
def test_what_cannot_be_moved_is_refused_with_the_reason(shipped, change, placement, reason):
    (move,) = moves(shipped, change(placed(shipped, **placement)))
    assert len(move.refused) == 1
    assert reason in move.refused[0]


def test_a_quota_with_more_connections_than_the_target_takes_is_refused(shipped):
    head = placed(shipped, cell="prod-us-east-1", database="pool-a")
    tenant = head.tenants[TENANT]
    quota = tenant.quota.model_copy(update={"database_connections": 100_000})
    wide = tenant.model_copy(update={"quota": quota})
    (move,) = moves(shipped, head.model_copy(update={"tenants": {TENANT: wide}}))
    assert "100000 connections" in move.refused[0]


def test_reviewers_are_those_that_hold_before_the_change(shipped):
    head = placed(shipped, cell="prod-us-east-1", database="pool-a")
    hijacked = head.tenants[TENANT].model_copy(update={"owner": "mallory"})
    (move,) = moves(shipped, head.model_copy(update={"tenants": {TENANT: hijacked}}))
    owner = shipped.tenants[TENANT].owner
    assert move.reviewers[0] == f"{owner}: owns tenants/{TENANT}.yaml"
    assert any("tenant-moves" in each for each in move.reviewers)
    assert not any("mallory" in each for each in move.reviewers)


def test_what_only_the_preflight_knows_is_said(shipped):
    (move,) = moves(shipped, placed(shipped, cell="prod-us-east-1", database="pool-a"))
    assert any("extension" in each for each in move.not_known)


def test_a_plan_asks_for_the_moves():
    assert [check.function for check in CHECKS if check.scope == "moves"] == ["moves"]
