"""Instance metadata answers version 2 only, one hop away at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import LAUNCH_TEMPLATE, NODE_CLASS
from policies.rule import Rule, differences, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(LAUNCH_TEMPLATE, NODE_CLASS, needed_in=("cell",))
def evaluate(resource: Resource, _: Stack) -> Iterator[str]:
    """Options of the metadata service."""
    path = "metadataOptions" if resource.type == LAUNCH_TEMPLATE else "spec.metadataOptions"
    return differences(
        resource, {f"{path}.httpTokens": "required", f"{path}.httpPutResponseHopLimit": 1}
    )


RULE = Rule(
    __name__,
    severity="high",
    why="Version 1 gives a node's credentials to whoever makes any pod send one request; "
    "a second hop gives them to every pod.",
    remedy="Set httpTokens to required and httpPutResponseHopLimit to 1.",
    evaluate=evaluate,
)
