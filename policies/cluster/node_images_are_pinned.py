"""The nodes' image is pinned to a release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.resource_types import NODE_CLASS, NODE_GROUP
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(NODE_GROUP, NODE_CLASS, needed_in=("cell",))
def evaluate(resource: Resource, stack: Stack) -> Iterator[str]:
    """Images that are chosen when a node starts, or differ from the system nodes'."""
    if resource.type == NODE_GROUP:
        release = at(resource.inputs, "releaseVersion")
        if release is not UNKNOWN and not re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{8}", str(release)):
            yield f"releaseVersion is {shown(release)}"
        return
    terms = at(resource.inputs, "spec.amiSelectorTerms")
    if terms is UNKNOWN:
        return
    alias = at(terms, "0.alias")
    if not re.fullmatch(r"bottlerocket@v\d+\.\d+\.\d+", str(alias)) or len(terms) != 1:
        yield f"spec.amiSelectorTerms is {shown(terms)}"
    for group in stack.of_type(NODE_GROUP):
        release = str(at(group.inputs, "releaseVersion")).partition("-")[0]
        if release and str(alias).rpartition("@v")[2] != release:
            yield f"spec.amiSelectorTerms names {shown(alias)}, the system nodes run {release}"
            return


RULE = Rule(
    __name__,
    severity="medium",
    why="Nodes that come up tomorrow would otherwise run another image than those of today.",
    remedy="Set releaseVersion on node groups and the same release in Karpenter's node classes.",
    evaluate=evaluate,
)
