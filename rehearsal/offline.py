"""Answers registrations without any cloud: what is known is given, the rest is named.

An id or an ARN that follows from names, account and region is given as it will be. What only the
cloud can tell is a placeholder such as `<Vpc network-vpc.id>`: a text that flows through the
program, reads well in a report, and can be traced back to the resource and the property.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args

from pulumi import _types
from pulumi.runtime import rpc

from rehearsal.known_outputs import known_outputs
from rehearsal.monitor import Answer
from rehearsal.providers import provider_settings
from rehearsal.shaped_outputs import shaped_outputs
from rehearsal.values import UNKNOWN, Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rehearsal.graph import Resource


@dataclass
class OfflineAnswers:
    """Gives ids and outputs that are the same in every evaluation of the same program.

    With `known` false every output that an engine would not know before a first update is unknown,
    as in a real preview of a stack that does not exist yet.
    """

    outputs_of: Callable[[str], Mapping[str, Any] | None]
    known: bool = True
    _providers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _named: dict[tuple[str, str], str] = field(default_factory=dict)

    def stack_outputs(self, stack: str) -> Mapping[str, Any] | None:
        """What the other stack exports when it is evaluated."""
        return self.outputs_of(stack)

    def answer(self, resource: Resource) -> Answer:
        """Answer one custom resource."""
        if resource.is_provider:
            self._providers[resource.urn] = provider_settings(resource.type, resource.inputs)
            return Answer(_digest(resource.urn, 32), {})
        computed = computed_outputs(resource.type)
        if not self.known:
            missing = {name: UNKNOWN for name in computed if name not in resource.inputs}
            return Answer(None, missing)
        facts = known_outputs(resource, self._providers.get(resource.provider or "", {}))
        facts |= shaped_outputs(resource, lambda path: self._placeholder(resource, path))
        outputs: dict[str, Any] = {}
        for name, is_text in computed.items():
            if name in facts:
                outputs[name] = facts[name]
            elif name not in resource.inputs:
                outputs[name] = self._placeholder(resource, name) if is_text else UNKNOWN
        for name, value in facts.items():
            outputs.setdefault(name, value)
        identity = outputs.pop("id", None) or self._placeholder(resource, "id")
        return Answer(identity, {k: v for k, v in outputs.items() if not _same(resource, k, v)})

    def _placeholder(self, resource: Resource, name: str) -> str:
        short = resource.short_type
        owner = self._named.setdefault((short, resource.name), resource.urn)
        if owner == resource.urn:
            return f"<{short} {resource.name}.{name}>"
        return f"<{short} {resource.name}.{name} {_digest(resource.urn, 8)}>"


def _same(resource: Resource, name: str, value: Any) -> bool:
    given = resource.inputs.get(name)
    return given is not None and not isinstance(given, Reference) and given == value


@cache
def computed_outputs(type: str) -> Mapping[str, bool]:
    """The outputs that a type always has, by Pulumi's name, and whether each is a text.

    Read off the SDK's own resource classes: an output that may be absent is annotated Optional.
    """
    package, module, _ = type.split(":")
    modules = rpc._RESOURCE_MODULES.get(f"{package}:{module}")
    if not modules:
        return {}
    info = modules[0].mod_info  # type: ignore[attr-defined]  # of generated SDKs
    resource_class = getattr(import_module(info["fqn"]), info["classes"][type])
    kinds = _types.resource_types(resource_class)
    return {
        pulumi_name: kinds[pulumi_name] is str
        for pulumi_name, optional in _getters(resource_class)
        if not optional
    }


def _getters(resource_class: type) -> Iterator[tuple[str, bool]]:
    """Each output's Pulumi name, and whether it may be absent."""
    for member in vars(resource_class).values():
        if isinstance(member, property) and hasattr(member.fget, _types._PULUMI_NAME):
            (kind,) = get_args(member.fget.__annotations__["return"])
            yield getattr(member.fget, _types._PULUMI_NAME), _types._is_optional_type(kind)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
