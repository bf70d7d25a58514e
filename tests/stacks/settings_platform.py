"""The shipped platform as graphs, and what checks of its settings ask of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog.load import find_root, load
from policies.registry import rules
from policies.stack import Stack
from rehearsal.evaluation import Evaluation
from rehearsal.values import reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from catalog.catalog import Catalog
    from catalog.cell import Cell, DatabaseSettings
    from catalog.tenant import Tenant
    from rehearsal.graph import Graph, Resource

ORGANIZATION = "organization"
DOCUMENTS = (
    *("assumeRolePolicy", "content", "inlinePolicy", "policy", "repositoryPolicy"),
    "accessPolicy",
)


@dataclass(frozen=True)
class Platform:
    """Every stack of the shipped catalog, evaluated."""

    catalog: Catalog
    graphs: dict[str, Graph]

    @property
    def organization(self) -> Graph:
        return self.graphs[ORGANIZATION]

    @property
    def cells(self) -> Iterator[tuple[Cell, Graph]]:
        for name, cell in self.catalog.cells.items():
            yield cell, self.graphs[f"cell.{name}"]

    @property
    def tenants(self) -> Iterator[tuple[Tenant, Cell, Graph]]:
        for name, tenant in self.catalog.tenants.items():
            yield tenant, self.catalog.cells[tenant.placement.cell], self.graphs[f"tenant.{name}"]

    def in_cells(self, type: str) -> Iterator[tuple[Cell, Graph, Resource]]:
        """Every resource of a type in the cells' stacks; each cell must have one."""
        for cell, graph in self.cells:
            found = graph.of_type(type)
            assert found, f"{cell.name} has no {type}"
            for resource in found:
                yield cell, graph, resource

    def in_tenants(self, type: str) -> Iterator[tuple[Tenant, Cell, Graph, Resource]]:
        """Every resource of a type in the tenants' stacks; each tenant must have one."""
        for tenant, cell, graph in self.tenants:
            found = graph.of_type(type)
            assert found, f"{tenant.name} has no {type}"
            for resource in found:
                yield tenant, cell, graph, resource

    def everywhere(self, type: str) -> Iterator[tuple[Graph, Resource]]:
        """Every resource of a type in all stacks."""
        for graph in self.graphs.values():
            for resource in graph.of_type(type):
                yield graph, resource

    def databases(self) -> Iterator[tuple[Cell, DatabaseSettings, Graph, Resource]]:
        """Every database cluster, shared and dedicated, with its settings in the catalog."""
        for cell, graph, cluster in self.in_cells("aws:rds/cluster:Cluster"):
            name = cluster.inputs["clusterIdentifier"].removeprefix(f"{cell.name}-")
            yield cell, cell.databases[name], graph, cluster
        for tenant, cell, graph in self.tenants:
            for cluster in graph.of_type("aws:rds/cluster:Cluster"):
                assert tenant.placement.dedicated is not None, cluster.urn
                yield cell, tenant.placement.dedicated, graph, cluster

    def instances(self, graph: Graph, cluster: Resource) -> list[Resource]:
        """The instances of a database cluster, the writer first."""
        identifier = cluster.inputs["clusterIdentifier"]
        found = [
            each
            for each in graph.of_type("aws:rds/clusterInstance:ClusterInstance")
            if each.inputs["clusterIdentifier"] == identifier
        ]
        return sorted(found, key=lambda each: each.inputs["promotionTier"])


def evaluate_everything() -> Platform:
    """Evaluate all stacks once; some seconds."""
    catalog = load(find_root())
    evaluation = Evaluation(catalog)
    names = (
        ORGANIZATION,
        *(f"cell.{name}" for name in catalog.cells),
        *(f"tenant.{name}" for name in catalog.tenants),
    )
    return Platform(catalog, {name: evaluation.evaluate(name) for name in names})


@dataclass(frozen=True)
class Setting:
    """One setting that a reviewer looks for, and the rule that holds it in every stack."""

    paragraph: str
    sentence: str
    rule: str
    check: Callable[[Platform], Iterator[Resource]] | None = None
    """Asserts what the rule can't know: what the catalog says, and what lies in other stacks."""

    def resources(self, platform: Platform) -> list[Resource]:
        """The resources that have the setting, as the rule sees them; asserts the rest."""
        rule = next(each for each in rules() if each.name == self.rule)
        found = [
            verdict.resource
            for graph in platform.graphs.values()
            for verdict in rule.verdicts(Stack(graph))
            if verdict.resource is not None and not verdict.problem
        ]
        return [*found, *(self.check(platform) if self.check else ())]


SETTINGS: list[Setting] = []


def setting(paragraph: str, sentence: str, rule: str) -> Callable[[Any], Any]:
    """Enter a setting into the table, with a check of what its rule can't know."""

    def enter(check: Callable[[Platform], Iterator[Resource]]) -> Any:
        SETTINGS.append(Setting(paragraph, sentence, rule, check))
        return check

    return enter


def held(paragraph: str, sentence: str, rule: str) -> None:
    """Enter a setting that its rule alone holds."""
    SETTINGS.append(Setting(paragraph, sentence, rule))


def has(resource: Resource, **expected: Any) -> Resource:
    """Assert a resource's inputs, naming the resource; gives the resource."""
    for key, value in expected.items():
        given = reveal(resource.inputs.get(key))
        assert given == value, f"{resource.urn}: {key} is {given!r}, not {value!r}"
    return resource


def refers_to(graph: Graph, value: Any, type: str, platform: Platform | None = None) -> Resource:
    """The resource that an input names by one of its outputs; asserts its type.

    With a platform, the resource may lie in the stack that a stack reference reads.
    """
    graphs = [graph, *(platform.graphs.values() if platform else ())]
    for each in graphs:
        if value in each.placeholders:
            resource = each.resources[each.placeholders[value][0]]
            assert resource.type == type, f"{value} is a {resource.type}, not a {type}"
            return resource
    for each in graphs:
        for resource in each.of_type(type):
            outputs = [reveal(each) for each in resource.outputs.values() if each]
            if value in (resource.id, resource.inputs.get("name"), *outputs):
                return resource
    raise AssertionError(f"{graph.stack}: no {type} is {value!r}")


def encrypted_by_own_key(graph: Graph, resource: Resource, key: str, value: Any) -> Resource:
    """Assert that an input names a key that the same stack declares; gives the resource."""
    assert value, f"{resource.urn}: {key} is not set"
    refers_to(graph, value, "aws:kms/key:Key")
    return resource


def ancestors(graph: Graph, resource: Resource) -> list[Resource]:
    """The components that a resource lies in, the nearest first."""
    found: list[Resource] = []
    while resource.parent in graph.resources:
        resource = graph.resources[resource.parent]
        found.append(resource)
    return found


def awaited(graph: Graph, urn: str) -> set[str]:
    """All that exists before a resource, its provider's own dependencies among it.

    What a remote component is given exists before it makes its children.
    """
    found: set[str] = set()
    waiting = [urn]
    while waiting:
        resource = graph.resources[waiting.pop()]
        makers = [each for each in ancestors(graph, resource) if each.remote]
        given = [urn for maker in makers for urn in maker.dependencies]
        for each in (*resource.dependencies, resource.provider or "", *given):
            if each in graph.resources and each not in found:
                found.add(each)
                waiting.append(each)
    return found


def listed(value: Any) -> list[Any]:
    """IAM lets one thing stand for a list of one."""
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def documents(graph: Graph) -> Iterator[tuple[Resource, str, dict[str, Any]]]:
    """Every policy document of a stack, with the resource and the input that hold it."""
    for resource in graph.resources.values():
        for key in DOCUMENTS:
            text = reveal(resource.inputs.get(key))
            if isinstance(text, str) and '"Statement"' in text:
                yield resource, key, json.loads(text)


def statements(resource: Resource, key: str = "policy") -> list[dict[str, Any]]:
    """The statements of one resource's policy document."""
    return list(json.loads(reveal(resource.inputs[key]))["Statement"])


def pods(graph: Graph) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Every pod specification of a stack, with the object that makes such pods."""
    for kind in ("apps/v1:Deployment", "batch/v1:Job"):
        for resource in graph.of_type(f"kubernetes:{kind}"):
            yield resource, reveal(resource.inputs)["spec"]["template"]["spec"]
