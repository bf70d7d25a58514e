"""The written pages say what the code is, and the picture of a cell shows what its graph has."""

import ast
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from catalog.load import find_root, load
from rehearsal.evaluation import Evaluation
from rehearsal.graph import Graph
from scripts.main import COMMANDS
from scripts.reference.catalog_page import catalog_page
from scripts.reference.cell_facts import facts
from scripts.reference.cell_picture import cell_picture
from scripts.reference.commands_page import commands_page
from scripts.reference.components_page import components_page, declared
from scripts.reference.markdown import anchor

ROOT = find_root()


@pytest.fixture(scope="module")
def graphs() -> tuple[Graph, Graph]:
    evaluation = Evaluation(load(ROOT))
    return evaluation.evaluate("cell.prod-eu-west-1"), evaluation.evaluate("tenant.aurelia-health")


def test_every_component_has_its_section(graphs: tuple[Graph, Graph]) -> None:
    written = components_page(graphs)
    sources = [path.read_text() for path in (ROOT / "components").rglob("*.py")]
    classes = {
        node.name
        for source in sources
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith("ComponentResource") for base in node.bases)
    }
    assert {name for name in classes if f"\n### {name}\n" not in written} == set()


def test_every_component_says_what_it_is_and_what_type_it_has() -> None:
    components = list(declared())
    assert [c.name for c in components if not c.description.strip()] == []
    assert [c.name for c in components if not c.type.startswith("patchworks:")] == []
    types = [c.type for c in components]
    assert sorted(set(types)) == sorted(types)


def test_what_a_component_makes_is_read_from_the_graphs(graphs: tuple[Graph, Graph]) -> None:
    _, _, section = components_page(graphs).partition("\n### Network\n")
    section = section.partition("\n### ")[0]
    assert "`aws:ec2/vpc:Vpc`" in section
    assert "| `zones` | `tuple[str, ...]` | required |" in section
    assert "| `vpc_id` | `pulumi.Output[str]` |" in section


def test_every_command_and_option_is_on_its_page() -> None:
    page = commands_page()
    assert [name for name in COMMANDS if f"## patchworks {name}\n" not in page] == []
    assert "    patchworks rehearse [OPTIONS] [STACKS...]\n" in page
    assert "`--catalog`" in page
    assert "| 130 | interrupted |" in page


def test_links_inside_the_catalog_page_lead_somewhere() -> None:
    page = catalog_page()
    headings = {anchor(line.lstrip("# ")) for line in page.splitlines() if line.startswith("#")}
    links = {part.partition(")")[0] for part in page.split("](")[1:]}
    assert {link for link in links if link.startswith("#")} - headings == set()


def test_a_field_has_its_type_default_meaning_and_limits() -> None:
    page = catalog_page()
    assert "| `readers` | integer | `1` | Readers beside the writer" in page
    assert "at least 1; at most 15 |" in page
    assert "| `groups` | names to [Group](#group) | required |" in page


def test_the_facts_of_the_picture_are_those_of_the_catalog(graphs: tuple[Graph, Graph]) -> None:
    catalog = load(ROOT)
    cell, tenant = catalog.cells["prod-eu-west-1"], catalog.tenants["aurelia-health"]
    shown = facts(*graphs)
    assert (shown.region, shown.network) == (cell.region, cell.network.cidr)
    assert set(shown.subnets["isolated"]) == set(cell.zones) == shown.balancer_zones
    assert {d.name: d.engine_version for d in shown.databases} == {
        name: settings.engine_version for name, settings in cell.databases.items()
    }
    assert set(shown.services) == set(tenant.services)
    assert set(shown.public_services) == {n for n, s in tenant.services.items() if s.path}
    assert shown.allowed_networks == len(catalog.tenant_allow_list(tenant, cell))
    assert set(shown.vpn_groups) == set(cell.vpn.groups)
    assert shown.copies_region == "eu-central-1"
    for database in shown.databases:
        roles = [role for zone in database.roles.values() for role in zone]
        assert roles.count("writer") == 1
        assert roles.count("reader") == cell.databases[database.name].readers


def test_people_runners_and_nodes_are_drawn_where_the_graph_has_them(
    graphs: tuple[Graph, Graph],
) -> None:
    cell, _ = graphs
    private = {s.id for s in cell.of_type("aws:ec2/subnet:Subnet") if "-private-" in s.name}
    associations = cell.of_type("aws:ec2clientvpn/networkAssociation:NetworkAssociation")
    assert {a.inputs["subnetId"] for a in associations} <= private
    (runners,) = cell.of_type("aws:codebuild/project:Project")
    assert set(runners.inputs["vpcConfig"]["subnets"]) <= private
    groups = cell.of_type("aws:eks/nodeGroup:NodeGroup")
    assert {subnet for group in groups for subnet in group.inputs["subnetIds"]} <= private


def test_the_picture_is_svg_and_follows_the_graph(graphs: tuple[Graph, Graph]) -> None:
    cell, tenant = graphs
    picture = cell_picture(cell, tenant)
    assert ET.fromstring(picture).tag.endswith("svg")
    assert "prefers-color-scheme: dark" in picture
    words = [node.text or "" for node in ET.fromstring(picture).iter() if node.tag.endswith("text")]
    assert words.count("writer") == 3
    fewer = {u: r for u, r in cell.resources.items() if r.name != "pool-b-instance-2"}
    without = cell_picture(replace(cell, resources=fewer), tenant)
    assert without.count(">reader<") == picture.count(">reader<") - 1
