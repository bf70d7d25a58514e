"""The shipped catalog on a local cloud: what a change of it changes, and that nothing else does."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from journeys import Journey

from catalog import names


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    journey = Journey(tmp_path_factory.mktemp("whole"))
    try:
        done = journey.run("rehearse", "--json")
        assert done.returncode == 0, done.stderr
        counts = json.loads(done.stdout)["counts"]
        assert {name for name, count in counts.items() if count} == {"created"}
        yield journey
    finally:
        journey.cloud.reset()


def test_a_second_rehearsal_changes_nothing_and_its_json_says_so(journey: Journey) -> None:
    done = journey.run("rehearse", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {name for name, count in said["counts"].items() if count} == {"unchanged"}
    assert len(said["stacks"]) == 1 + len(journey.load().cells) + len(journey.load().tenants)
    assert said["counts"]["unchanged"] == sum(len(stack["resources"]) for stack in said["stacks"])


def test_an_allow_list_changes_the_rules_of_its_tenant_only(journey: Journey) -> None:
    journey.edit("tenants/brightwater.yaml", ("192.0.2.128/28", "192.0.2.144/28"))
    rehearsed = journey.rehearse()
    assert rehearsed.stacks_touched() == {"tenant.brightwater"}
    assert rehearsed.touched() == {
        ("update", "ManagedPrefixList", "brightwater-prod-eu-west-1-ingress-allow-list-v4"),
        ("update", "IpSet", "brightwater-prod-eu-west-1-firewall-v4"),
    }


def test_an_ipv6_network_changes_the_rules_for_ipv6_only(journey: Journey) -> None:
    journey.edit("tenants/goldfields-mining.yaml", ("2001:db8:4000::/48", "2001:db8:4100::/48"))
    assert journey.rehearse("tenant.goldfields-mining").touched() == {
        (
            "update",
            "ManagedPrefixList",
            "goldfields-mining-prod-ap-southeast-2-ingress-allow-list-v6",
        ),
        ("update", "IpSet", "goldfields-mining-prod-ap-southeast-2-firewall-v6"),
    }


def test_replicas_and_images_change_in_place(journey: Journey) -> None:
    journey.edit(
        "tenants/harbour-foods.yaml",
        ("minimum_replicas: 2", "minimum_replicas: 3"),
        ("platform/gateway@sha256:0", "platform/gateway@sha256:1"),
    )
    rehearsed = journey.rehearse("tenant.harbour-foods")
    assert rehearsed.stacks_touched() == {"tenant.harbour-foods"}
    touched = {(operation, type) for operation, type, _ in rehearsed.touched()}
    assert touched == {("update", "HorizontalPodAutoscaler"), ("update", "Deployment")}


def test_a_minor_engine_version_is_an_update_in_place(journey: Journey) -> None:
    journey.edit("cells/prod-ap-southeast-2.yaml", ('"16.4"', '"16.8"'))
    rehearsed = journey.rehearse("cell.prod-ap-southeast-2")
    assert rehearsed.stacks_touched() == {"cell.prod-ap-southeast-2"}
    touched = rehearsed.touched()
    assert ("update", "Cluster", "pool-a-cluster") in touched
    assert {operation for operation, _, _ in touched} == {"update"}


def test_a_new_tenant_creates_its_own_stack_only(journey: Journey) -> None:
    text = (journey.catalog / "tenants" / "sandbox.yaml").read_text()
    (journey.catalog / "tenants" / "seaside.yaml").write_text(text.replace("sandbox", "seaside"))
    rehearsed = journey.rehearse("tenant.seaside")
    assert rehearsed.stacks_touched() == {"tenant.seaside"}
    assert {operation for operation, _, _ in rehearsed.touched()} == {"create"}


def test_a_removed_tenant_loses_what_is_unprotected_and_can_come_back(journey: Journey) -> None:
    file = journey.catalog / "tenants" / "fernhill.yaml"
    text = file.read_text()
    database = _rows(journey, "fernhill", "create table kept (note text)", "fernhill_owner")
    file.unlink()
    done = journey.run("rehearse")
    assert done.returncode == 0, done.stderr
    assert "tenant.fernhill is gone from the catalog" in done.stderr
    assert "! Database fernhill-prod-us-east-1-pool-a-database  (protected)" in done.stdout
    assert "o BucketPolicy fernhill-prod-us-east-1-objects-policy" in done.stdout

    again = journey.rehearse()
    assert again.stacks_touched() == {"tenant.fernhill"}
    kept = again.touched()
    assert {operation for operation, _, _ in kept} == {"keep"}
    kinds = Counter(type for _, type, _ in kept)
    assert kinds >= Counter({"Bucket": 1, "Database": 1, "Key": 1, "Secret": 1, "Role": 1})

    file.write_text(text)
    back = journey.rehearse()
    assert back.stacks_touched() == {"tenant.fernhill"}
    assert {operation for operation, _, _ in back.touched()} == {"create"}
    assert back.touched().isdisjoint({("create", type, name) for _, type, name in kept})
    assert journey.rehearse("tenant.fernhill").touched() == set()
    with psycopg.connect(database) as session:
        assert session.execute("select to_regclass('public.kept') is not null").fetchone() == (
            True,
        )


def test_a_move_within_a_cell_expands_and_then_contracts(journey: Journey) -> None:
    name, tenant = "cobalt-logistics", "tenant.cobalt-logistics"
    old = {"cell": "prod-eu-west-1", "database": "pool-b"}
    new = {"cell": "prod-eu-west-1", "database": "pool-a"}
    journey.serve_from(name, old)
    assert journey.rehearse(tenant).touched() == set()
    journey.edit(f"tenants/{name}.yaml", ("database: pool-b", "database: pool-a"))

    expanded = journey.rehearse(tenant)
    assert ("create", "Database", f"{name}-prod-eu-west-1-pool-a-database") in expanded.touched()
    assert {operation for operation, _, _ in expanded.touched()} <= {"create", "same"}
    exports = _exports(expanded, tenant)
    assert set(exports["databases"]) == {"prod-eu-west-1/pool-a", "prod-eu-west-1/pool-b"}
    assert exports["serving"] == {"cell": "prod-eu-west-1", "database": "pool-b"}

    journey.serve_from(name, new, keeps=old)
    settled = journey.rehearse(tenant)
    assert ("update", "Deployment", f"{name}-prod-eu-west-1-pooler-deployment") in settled.touched()
    others = {
        (operation, type) for operation, type, _ in settled.touched() if operation != "update"
    }
    assert others == {("replace", "SecretVersion"), ("delete", "SecretVersion")}
    journey.serve_from(name, new)
    contracted = journey.rehearse(tenant)
    assert ("retain", "Database", f"{name}-prod-eu-west-1-pool-b-database") in contracted.touched()
    assert set(_exports(contracted, tenant)["databases"]) == {"prod-eu-west-1/pool-a"}
    assert journey.rehearse(tenant).touched() == set()


def test_a_move_between_cells_has_two_slices_until_the_ledger_flips(journey: Journey) -> None:
    name, tenant = "delmar-retail", "tenant.delmar-retail"
    old = {"cell": "prod-us-east-1", "database": "pool-a"}
    new = {"cell": "prod-eu-west-1", "database": "pool-a"}
    journey.serve_from(name, old)
    journey.edit(f"tenants/{name}.yaml", ("cell: prod-us-east-1", "cell: prod-eu-west-1"))

    expanded = journey.rehearse(tenant)
    exports = _exports(expanded, tenant)
    assert set(exports["slices"]) == {"prod-us-east-1", "prod-eu-west-1"}
    assert not any(type == "Record" and op != "create" for op, type, _ in expanded.touched())
    assert _balancer(expanded, tenant) == exports["slices"]["prod-us-east-1"]["load_balancer"]

    journey.serve_from(name, new, keeps=old)
    settled = journey.rehearse(tenant)
    exports = _exports(settled, tenant)
    assert set(exports["slices"]) == {"prod-us-east-1", "prod-eu-west-1"}
    assert _balancer(settled, tenant) == exports["slices"]["prod-eu-west-1"]["load_balancer"]
    journey.serve_from(name, new)
    contracted = journey.rehearse(tenant)
    assert set(_exports(contracted, tenant)["slices"]) == {"prod-eu-west-1"}
    gone = {(op, type) for op, type, name in contracted.touched() if "prod-us-east-1" in name}
    assert {("retain", "Database"), ("retain", "Bucket"), ("delete", "Deployment")} <= gone
    assert not any(op == "delete" and type in ("Database", "Bucket", "Key") for op, type in gone)
    assert journey.rehearse(tenant).touched() == set()


def _exports(rehearsed: Any, stack: str) -> Any:
    graph = rehearsed.of(stack).graph
    assert graph is not None
    return graph.exports


def _balancer(rehearsed: Any, stack: str) -> str:
    (route,) = [
        resource
        for resource in rehearsed.of(stack).graph.of_type("aws:route53/record:Record")
        if "-route-" in resource.name
    ]
    return str(route.inputs["aliases"][0]["name"])


def _rows(journey: Journey, tenant: str, statement: str, role: str) -> str:
    """Run a statement in a tenant's database, and return where that is."""
    catalog = journey.load()
    cell = catalog.cells[catalog.tenants[tenant].placement.cell]
    database = catalog.tenants[tenant].placement.database
    cluster = names.database_cluster(cell, database)
    server = journey.cloud.postgresql.ensure(cluster, cell.databases[database].engine_version)
    dsn = f"{server.superuser_dsn} dbname={tenant}"
    with psycopg.connect(dsn) as session:
        session.execute(f"set role {role}".encode())
        session.execute(statement.encode())
    return dsn
