"""A stack's graph as rules look at it: values by path, resources by what names them, documents."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from policies.resource_types import KEY, TENANT_DATABASE
from rehearsal.graph import STACK_REFERENCE_TYPE
from rehearsal.values import UNKNOWN, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.graph import Graph, Resource

DOCUMENTS = (
    *("assumeRolePolicy", "content", "inlinePolicy", "policy", "repositoryPolicy"),
    "accessPolicy",
)
"""The inputs that hold policy documents."""
PODS = ("apps/v1:Deployment", "apps/v1:StatefulSet", "apps/v1:DaemonSet", "batch/v1:Job")
LONGEST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Document:
    """A policy document, and the resource and input that hold it."""

    resource: Resource
    key: str
    statements: list[dict[str, Any]]


class Stack:
    """One stack's graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.kind, _, self.name = graph.stack.partition(".")
        self._named: dict[str, dict[str, Resource]] = {}

    @cached_property
    def environment(self) -> str:
        """The environment that the stack's first AWS provider tags everything with, or ``."""
        for provider in self.of_type("pulumi:providers:aws"):
            tags = parsed(provider.inputs.get("defaultTags"))
            if isinstance(tags, dict) and (named := at(tags, "tags.environment")):
                return str(named)
        return ""

    def idle(self, resource: Resource) -> bool:
        """Whether it is on the side of a moving tenant that does not serve.

        That side is not protected: the engine could not let go of it, whichever way the move ends.
        """
        return resource.name.startswith(self._idle)

    @cached_property
    def _idle(self) -> tuple[str, ...]:
        """How the names on that side begin."""
        idle: list[str] = []
        serving: list[str] = []
        for database in self.of_type(TENANT_DATABASE):
            name = database.name.removesuffix("database")
            (serving if database.protect else idle).append(name)
        if self.kind != "tenant" or not serving:
            return ()
        cells = (each.name.rpartition("cell.")[2] for each in self.of_type(STACK_REFERENCE_TYPE))
        slices = (f"{self.name}-{cell}-" for cell in cells)
        left = (
            each
            for each in slices
            if all(name.startswith(each) for name in idle)
            and not any(name.startswith(each) for name in serving)
        )
        return (*idle, *left) if idle else ()

    def of_type(self, *types: str) -> list[Resource]:
        """All resources of some types."""
        return [resource for type in types for resource in self.graph.of_type(type)]

    def found(self, value: Any, type: str) -> Resource | None:
        """The resource of a type that a value names: by its id, its name or one of its outputs."""
        if not isinstance(value, str):
            return None
        if value in self.graph.placeholders:
            resource = self.graph.resources[self.graph.placeholders[value][0]]
            return resource if resource.type == type else None
        if type not in self._named:
            self._named[type] = {
                name: resource
                for resource in self.graph.of_type(type)
                for name in (*resource.outputs.values(), resource.inputs.get("name"), resource.id)
                if isinstance(name, str)
            }
        return self._named[type].get(value)

    def referred(self, resource: Resource, path: str, *types: str) -> list[Resource]:
        """The resources of some types that an input names, as far as that can be known."""
        given = at(resource.inputs, path)
        values = listed(given)
        found = [self.found(value, type) for value in values for type in types]
        known = [each for each in found if each is not None]
        if known or not (given is UNKNOWN or any(value is UNKNOWN for value in values)):
            return known
        urns = resource.property_dependencies.get(path.partition(".")[0], ())
        resources = [self.graph.resources[urn] for urn in urns if urn in self.graph.resources]
        return [each for each in resources if each.type in types]

    def key_problems(self, resource: Resource, path: str) -> Iterator[str]:
        """Says where an input names no key that the platform itself declares."""
        value = at(resource.inputs, path)
        if value is UNKNOWN or self.found(value, KEY) is not None:
            return
        urns = resource.property_dependencies.get(path.partition(".")[0], ())
        makers = [self.graph.resources[urn] for urn in urns if urn in self.graph.resources]
        if not value:
            yield f"{path} is not set"
        elif not any(each.type == STACK_REFERENCE_TYPE for each in makers):
            yield f"{path} is {shown(value)}, which is no key of this platform"

    @cached_property
    def documents(self) -> list[Document]:
        """Every policy document whose text is known."""
        found = []
        for resource in self.graph.resources.values():
            for key in DOCUMENTS:
                text = resource.inputs.get(key)
                if isinstance(text, str) and '"Statement"' in text:
                    statements = listed(parsed(text).get("Statement"))
                    found.append(Document(resource, key, statements))
        return found

    @cached_property
    def statements(self) -> Mapping[tuple[str, str], list[dict[str, Any]]]:
        """The statements of each document, by the URN and the input that hold it."""
        return {(each.resource.urn, each.key): each.statements for each in self.documents}

    @cached_property
    def pods(self) -> list[tuple[Resource, dict[str, Any]]]:
        """Every pod's specification, with the object that makes such pods."""
        found = []
        for kind in PODS:
            for resource in self.graph.of_type(f"kubernetes:{kind}"):
                pod = at(resource.inputs, "spec.template.spec")
                if pod is not UNKNOWN:
                    found.append((resource, pod or {}))
        return found

    def ancestors(self, resource: Resource) -> list[Resource]:
        """The components that a resource lies in, the nearest first."""
        found: list[Resource] = []
        parent = self.graph.resources.get(resource.parent or "")
        while parent is not None:
            found.append(parent)
            parent = self.graph.resources.get(parent.parent or "")
        return found

    def awaited(self, urn: str) -> set[str]:
        """All that exists before a resource, its provider's own dependencies among it.

        What a remote component is given exists before it makes its children.
        """
        resources = self.graph.resources
        found: set[str] = set()
        waiting = [urn]
        while waiting:
            resource = resources[waiting.pop()]
            makers = [each for each in self.ancestors(resource) if each.remote]
            given = [urn for maker in makers for urn in maker.dependencies]
            for each in (*resource.dependencies, resource.provider or "", *given):
                if each in resources and each not in found:
                    found.add(each)
                    waiting.append(each)
        return found


def at(value: Any, path: str) -> Any:
    """The value below a dotted path, such as `rules.0.name`.

    None where nothing is there; UNKNOWN where it can't be known offline, or is secret.
    """
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        elif value is UNKNOWN or isinstance(value, Secret):
            return UNKNOWN
        else:
            return None
    return UNKNOWN if isinstance(value, Secret) else value


def listed(value: Any) -> list[Any]:
    """A list's items: IAM and Pulumi let one thing stand for a list of one; unknown is nothing."""
    if isinstance(value, list):
        return list(value)
    return [] if value is None or value is UNKNOWN else [value]


def parsed(text: Any) -> Any:
    """JSON as data; an empty mapping where it is none."""
    if not isinstance(text, str):
        return {}
    try:
        return json.loads(text)
    except ValueError:
        return {}


def shown(value: Any) -> str:
    """A value as a message shows it: short, on one line, secrets not at all."""
    if value is None:
        return "not set"
    text = json.dumps(value, default=repr, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
