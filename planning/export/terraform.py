"""A graph as the JSON of a Terraform plan that creates everything in it.

Source: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from planning.export.bridge import MAPS, block, snake, type_of
from rehearsal.values import UNKNOWN, Reference, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.graph import Graph, Resource

PROVIDER = "registry.terraform.io/hashicorp/aws"
SENSITIVE = "(sensitive)"
"""Stands for a secret; Terraform's own plans hold it in plain."""


@dataclass(frozen=True)
class TerraformPlan:
    """A plan, and which resource each of its addresses stands for."""

    document: Mapping[str, Any]
    urns: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0
    """Resources of other packages than pulumi-aws."""


def terraform_plan(graph: Graph) -> TerraformPlan:
    """The AWS resources of a graph as a plan."""
    addresses = _addresses(graph)
    planned, changes, configured = [], [], []
    for urn, address in addresses.items():
        resource = graph.resources[urn]
        type, _, name = address.partition(".")
        about = {
            "address": address,
            "mode": "managed",
            "type": type,
            "name": name,
            "provider_name": PROVIDER,
        }
        values = _values(resource.inputs)
        unknown = {snake(key): True for key, item in resource.inputs.items() if item is UNKNOWN}
        change = {"actions": ["create"], "before": None, "after": values, "after_unknown": unknown}
        planned.append({**about, "schema_version": 0, "values": values})
        changes.append({**about, "change": change})
        configured.append({**about, "expressions": _expressions(resource, addresses, graph)})
    document = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}},
    }
    left_out = sum(each.custom for each in graph.resources.values()) - len(addresses)
    return TerraformPlan(document, {each: urn for urn, each in addresses.items()}, left_out)


def _addresses(graph: Graph) -> dict[str, str]:
    """The address of each resource that the plan has, by URN."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for urn, resource in graph.resources.items():
        type = type_of(resource.type)
        if type is None or not resource.custom:
            continue
        name = re.sub(r"[^A-Za-z0-9_-]", "_", resource.name)
        address, number = f"{type}.{name}", 2
        while address in taken:
            address, number = f"{type}.{name}_{number}", number + 1
        taken.add(address)
        found[urn] = address
    return found


def _values(properties: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in properties.items():
        name = snake(key)
        if value is UNKNOWN or value is None:
            continue
        if isinstance(value, list) and any(isinstance(each, dict) for each in value):
            found[block(name)] = [_value(each) for each in value]
        elif isinstance(value, dict):
            found[name] = _map(value) if name in MAPS else [_values(value)]
        else:
            found[name] = _value(value)
    return found


def _map(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(item) for key, item in value.items() if item is not UNKNOWN}


def _value(value: Any) -> Any:
    match value:
        case Secret():
            return SENSITIVE
        case Reference():
            return value.id or value.urn
        case dict():
            return _values(value)
        case list():
            return [_value(each) for each in value if each is not UNKNOWN]
        case _:
            return value


def _expressions(
    resource: Resource, addresses: Mapping[str, str], graph: Graph
) -> dict[str, dict[str, list[str]]]:
    """What each property refers to, which is how checks know that resources belong together."""
    found: dict[str, dict[str, list[str]]] = {}
    for key, value in resource.inputs.items():
        urns = [*resource.property_dependencies.get(key, ())]
        texts = value if isinstance(value, list) else [value]
        urns += [graph.placeholders[each][0] for each in texts if _is_placeholder(each, graph)]
        named = [addresses[urn] for urn in dict.fromkeys(urns) if urn in addresses]
        if named:
            found[snake(key)] = {"references": [r for a in named for r in (f"{a}.id", a)]}
    return found


def _is_placeholder(value: Any, graph: Graph) -> bool:
    return isinstance(value, str) and value in graph.placeholders
