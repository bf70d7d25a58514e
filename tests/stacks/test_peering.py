"""What joins two cells: as little as a move needs, by the ledger alone, each side in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog.load import find_root, load
from catalog.subnets import layout
from catalog.tenant import Placement, Served
from rehearsal.evaluation import Evaluation, evaluate
from rehearsal.providers import provider_settings
from rehearsal.values import reveal
from stacks import programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.catalog import Catalog
    from rehearsal.graph import Graph, Resource

ONE, OTHER = "prod-eu-west-1", "prod-us-east-1"
STACK = f"peering.{ONE}.{OTHER}"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def served(*places: str) -> Served:
    cell, _, database = places[0].partition("/")
    return Served(cell=cell, database=database, spans=places)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(find_root())


@pytest.fixture(scope="module")
def graph(catalog: Catalog) -> Graph:
    return evaluate(catalog, STACK, {"brightwater": served(f"{ONE}/pool-a", f"{OTHER}/pool-b")})


def of(graph: Graph, type: str) -> Iterator[Resource]:
    return (each for each in graph.resources.values() if each.type == type)


def inputs(resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = reveal(resource.inputs)
    return found


def test_without_a_tenant_that_spans_both_nothing_is_declared(catalog: Catalog) -> None:
    ledger = {
        "brightwater": served(f"{ONE}/pool-a", f"{ONE}/pool-b"),
        "harbour": served(f"{ONE}/pool-a", "staging-eu-west-1/pool-a"),
        "quiet": Placement(cell=OTHER, database="pool-b"),
    }
    assert evaluate(catalog, STACK, ledger).resources == {}


def test_each_side_is_made_in_its_own_account_and_region(catalog: Catalog, graph: Graph) -> None:
    for resource in graph.resources.values():
        if not resource.custom or not resource.type.startswith("aws:"):
            continue
        assert resource.provider is not None
        provider = graph.resources[resource.provider]
        settings = provider_settings(provider.type, provider.inputs)
        cell = catalog.cells[ONE if settings["region"] == catalog.cells[ONE].region else OTHER]
        assert settings["allowedAccountIds"] == [cell.account]
        if f"-in-{cell.name}" not in resource.name and "-in-" in resource.name:
            pytest.fail(f"{resource.name} is made in {cell.name}")
    (asked,) = of(graph, "aws:ec2/vpcPeeringConnection:VpcPeeringConnection")
    assert inputs(asked)["peerOwnerId"] == catalog.cells[OTHER].account
    assert inputs(asked)["peerRegion"] == catalog.cells[OTHER].region


def test_routes_lead_to_the_other_cell_s_clients_and_databases_and_wait_for_its_acceptance(
    catalog: Catalog, graph: Graph
) -> None:
    (accepted,) = of(graph, "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter")
    for name, there in ((ONE, OTHER), (OTHER, ONE)):
        routes = [each for each in of(graph, "aws:ec2/route:Route") if f"-in-{name}-" in each.name]
        zones = len(catalog.cells[name].zones)
        assert len({each.name.rpartition("-to-")[0] for each in routes}) == zones + 1
        cell = catalog.cells[there]
        ranges = layout(cell.network.cidr, len(cell.zones))
        covered = {inputs(each)["destinationCidrBlock"] for each in routes}
        assert addresses(covered) == addresses({*ranges.private, *ranges.isolated})
        for route in routes:
            assert accepted.urn in route.property_dependencies["vpcPeeringConnectionId"]


def test_only_postgresql_and_the_kubernetes_api_are_let_through_and_between_these_cells_alone(
    catalog: Catalog, graph: Graph
) -> None:
    let: dict[str, set[tuple[str, int]]] = {}
    for rule in (*of(graph, INGRESS), *of(graph, EGRESS)):
        given = inputs(rule)
        assert given["ipProtocol"] == "tcp"
        assert given["fromPort"] == given["toPort"]
        here, _, part = rule.name.partition("-in-")[2].partition("-egress-to-")
        where = here if part else here.rpartition("-from-")[0]
        direction = "to" if part else "from"
        let.setdefault(f"{where} {direction}", set()).add((given["cidrIpv4"], given["fromPort"]))
    ports = {name: {port for _, port in found} for name, found in let.items()}
    assert ports == {
        f"{ONE}-nodes to": {5432},
        f"{ONE}-runners to": {5432},
        f"{ONE}-control-plane from": {443},
        f"{ONE}-pool-a to": {5432},
        f"{ONE}-pool-a from": {5432},
        f"{OTHER}-nodes to": {5432},
        f"{OTHER}-runners to": {5432},
        f"{OTHER}-control-plane from": {443},
        # Where a cell keeps its moves' record.
        f"{OTHER}-pool-a to": {5432},
        f"{OTHER}-pool-a from": {5432},
        f"{OTHER}-pool-b to": {5432},
        f"{OTHER}-pool-b from": {5432},
    }
    for name, found in let.items():
        cell = catalog.cells[OTHER if name.startswith(ONE) else ONE]
        ranges = layout(cell.network.cidr, len(cell.zones))
        wanted = {
            "to": ranges.isolated,
            "from": ranges.private
            if "control-plane" in name
            else (*ranges.private, *ranges.isolated),
        }[name.split()[1]]
        assert addresses({cidr for cidr, _ in found}) == addresses(set(wanted)), name


def test_databases_of_all_who_span_are_opened_and_a_tenant_s_own_is_left_to_its_stack(
    catalog: Catalog,
) -> None:
    ledger = {
        "brightwater": served(f"{ONE}/pool-a", f"{OTHER}/pool-b"),
        "harbour": served(f"{OTHER}/dedicated", f"{ONE}/pool-b"),
    }
    found = {
        each.name.partition("-in-")[2] for each in of(evaluate(catalog, STACK, ledger), INGRESS)
    }
    opened = {name.rpartition("-from-")[0] for name in found}
    assert opened == {
        *(f"{ONE}-{part}" for part in ("control-plane", "pool-a", "pool-b")),
        *(f"{OTHER}-{part}" for part in ("control-plane", "pool-a", "pool-b")),
    }


def test_before_a_first_update_it_is_planned_without_knowing_any_id(catalog: Catalog) -> None:
    ledger = {"brightwater": served(f"{ONE}/pool-a", f"{OTHER}/pool-b")}
    planned = Evaluation(catalog, ledger, known=False).evaluate(STACK)
    known = evaluate(catalog, STACK, ledger)
    assert planned.resources.keys() == known.resources.keys()


def test_a_pair_has_one_name(catalog: Catalog) -> None:
    assert programs.parse(catalog, STACK).kind == "peering"
    assert programs.references(catalog, STACK, {}) == (f"cell.{ONE}", f"cell.{OTHER}")
    assert STACK not in programs.stack_names(catalog)
    for wrong in (f"{OTHER}.{ONE}", f"{ONE}.{ONE}", ONE, f"{ONE}.nowhere"):
        with pytest.raises(programs.UnknownStackNameError):
            programs.parse(catalog, f"peering.{wrong}")


def addresses(ranges: set[str]) -> set[tuple[int, int]]:
    """Ranges as first and last address, joined where they meet."""
    from ipaddress import IPv4Network, collapse_addresses

    found = collapse_addresses(IPv4Network(each) for each in ranges)
    return {(int(each[0]), int(each[-1])) for each in found}
