"""A graph's Kubernetes objects as manifests, without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.values import UNKNOWN, Reference, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.graph import Graph

CHARTS = "kubernetes:helm.sh/"


@dataclass(frozen=True)
class Manifests:
    """Objects, and which resource each stands for, by `Kind.namespace.name`."""

    objects: tuple[Mapping[str, Any], ...]
    urns: Mapping[str, str]
    left_out: int
    """Charts, whose objects only Helm knows."""


def manifests(graph: Graph) -> Manifests:
    """The Kubernetes objects of a graph."""
    objects, urns, charts = [], {}, 0
    for urn, resource in graph.resources.items():
        if not resource.type.startswith("kubernetes:"):
            continue
        if resource.type.startswith(CHARTS):
            charts += 1
            continue
        shown = _shown(resource.inputs)
        if not isinstance(shown.get("kind"), str):
            continue
        metadata = shown.get("metadata") or {}
        name = metadata.get("name", resource.name)
        urns[f"{shown['kind']}.{metadata.get('namespace', 'default')}.{name}"] = urn
        objects.append(shown)
    return Manifests(tuple(objects), urns, charts)


def _shown(value: Any) -> Any:
    match value:
        case Secret():
            return "(sensitive)"
        case Reference():
            return value.id or value.urn
        case dict():
            return {key: _shown(item) for key, item in value.items() if item is not UNKNOWN}
        case list():
            return [_shown(item) for item in value if item is not UNKNOWN]
        case _:
            return value
