"""A database cluster's parts, as more than one rule asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.resource_types import DATABASE, DATABASE_INSTANCE
from policies.stack import at, listed

if TYPE_CHECKING:
    from policies.stack import Stack
    from rehearsal.graph import Resource


def instances(stack: Stack, cluster: Resource) -> list[Resource]:
    """The instances of a database cluster."""
    return [
        each
        for each in stack.of_type(DATABASE_INSTANCE)
        if at(each.inputs, "clusterIdentifier") == at(cluster.inputs, "clusterIdentifier")
        or cluster in stack.referred(each, "clusterIdentifier", DATABASE)
    ]


def parameters(group: Resource) -> dict[str, Any]:
    """A parameter group's values, by name."""
    found = listed(at(group.inputs, "parameters"))
    return {str(at(each, "name")): at(each, "value") for each in found}
