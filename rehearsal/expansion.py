"""Registers the children of a remote component, as its provider would."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rehearsal import eks
from rehearsal.children import Derived, Expanded, External, Ref, Whole
from rehearsal.errors import ProgramRaisedError
from rehearsal.graph import PROVIDER_PREFIX, Resource
from rehearsal.values import UNKNOWN, Reference, Secret, is_known, reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Expansion:
    """One remote component, worked out and ready to be registered child by child."""

    def __init__(self, component: Resource, resources: Mapping[str, Resource]) -> None:
        self._resources = resources
        self._component = component
        self._children: dict[str, Resource] = {}
        try:
            self._expanded: Expanded = eks.expand(
                component.type, component.name, component.inputs, self._look_up
            )
        except ValueError as error:
            raise ProgramRaisedError(
                component.urn.split(":")[2], component.source, str(error)
            ) from error
        self.parent = self._expanded.parent or component.parent
        """Where the provider puts the component, whatever the program's options say."""

    def register(
        self,
        component: Resource,
        urn: Callable[[str | None, str, str], str],
        register: Callable[[Resource], Resource],
    ) -> dict[str, Any]:
        """Register the children one after the other and return the component's outputs."""
        for child in self._expanded.children:
            parent = self._children[child.parent].urn if child.parent else component.urn
            found: dict[str, set[str]] = {}
            inputs = {
                key: self._resolve(value, found.setdefault(key, set()))
                for key, value in child.inputs.items()
            }
            package = child.type.partition(":")[0]
            provider = None if child.type.startswith(PROVIDER_PREFIX) else package
            waits_for = {self._children[key].urn for key in child.depends_on}
            self._children[child.key] = register(
                Resource(
                    urn=urn(parent, child.type, child.name),
                    type=child.type,
                    name=child.name,
                    custom=child.custom,
                    parent=parent,
                    inputs=inputs,
                    provider=component.providers.get(provider or "") if child.custom else None,
                    providers=component.providers,
                    dependencies=tuple(sorted(waits_for.union(*found.values()))),
                    property_dependencies={
                        key: tuple(sorted(urns)) for key, urns in found.items() if urns
                    },
                    protect=component.protect,
                    ignore_changes=child.ignore_changes,
                    source=component.source,
                )
            )
        return self._outputs(self._expanded.outputs)

    def components(self) -> Iterator[Resource]:
        """The children that are components, with what their own children gave."""
        for child in self._expanded.children:
            if not child.custom:
                resource = self._children[child.key]
                yield replace(resource, outputs=self._outputs(child.outputs))

    def _outputs(self, waiting: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self._resolve(value, set()) for key, value in waiting.items()}

    def _look_up(self, urn: str) -> tuple[str, str, Mapping[str, Any], Mapping[str, Any]]:
        resource = self._resources[urn]
        return resource.type, resource.name, resource.inputs, resource.outputs

    def _resolve(self, value: Any, found: set[str]) -> Any:
        """The value with nothing left that waits; the URNs it came from are added to `found`."""
        match value:
            case Ref(key, name):
                return _output(self._children[key], name, found)
            case External(urn, name):
                return _output(self._resources[urn], name, found)
            case Whole(key):
                child = self._children[key]
                found.add(child.urn)
                return Reference(child.urn, child.id)
            case Derived(parts, compute):
                resolved = [self._resolve(part, found) for part in parts]
                if not all(map(is_known, resolved)):
                    return UNKNOWN
                result = compute(*map(reveal, resolved))
                return Secret(result) if any(isinstance(p, Secret) for p in resolved) else result
            case dict():
                return {key: self._resolve(item, found) for key, item in value.items()}
            case list() | tuple():
                return [self._resolve(item, found) for item in value]
            case _:
                return value


def _output(resource: Resource, name: str, found: set[str]) -> Any:
    found.add(resource.urn)
    if name == "id":
        return UNKNOWN if resource.id is None else resource.id
    if name in resource.outputs:
        return resource.outputs[name]
    return resource.inputs.get(name, UNKNOWN)


def expand_component(
    component: Resource,
    resources: dict[str, Resource],
    urn: Callable[[str | None, str, str], str],
    register: Callable[[Resource], Resource],
) -> Resource:
    """The component with its outputs, after all its children have been registered.

    A component of a type that is not known here is kept without children.
    """
    if component.type not in eks.EXPANSIONS:
        resources[component.urn] = component
        return component
    expansion = Expansion(component, resources)
    component = replace(
        component,
        parent=expansion.parent,
        urn=urn(expansion.parent, component.type, component.name),
    )
    resources[component.urn] = component
    outputs = expansion.register(component, urn, register)
    resources.update((child.urn, child) for child in expansion.components())
    return replace(component, outputs=outputs)
