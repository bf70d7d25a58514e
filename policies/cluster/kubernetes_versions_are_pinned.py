"""The version of Kubernetes is pinned, and the nodes' is the cluster's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.resource_types import CLUSTER, NODE_GROUP
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(CLUSTER, NODE_GROUP, needed_in=("cell",))
def evaluate(resource: Resource, stack: Stack) -> Iterator[str]:
    """Versions that are no version, or differ from a cluster's."""
    version = at(resource.inputs, "version")
    if version is UNKNOWN:
        return
    if not re.fullmatch(r"1\.\d+", str(version)):
        yield f"version is {shown(version)}"
    for cluster in stack.of_type(CLUSTER) if resource.type == NODE_GROUP else ():
        expected = at(cluster.inputs, "version")
        if expected is not UNKNOWN and version != expected:
            yield f"version is {shown(version)}, and the cluster's {shown(expected)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="An unpinned version changes when AWS says so, and nodes of another one than the "
    "control plane's misbehave in silence.",
    remedy="Set version on cluster and node groups alike, from the cell's file.",
    evaluate=evaluate,
)
