"""Nodes run Bottlerocket."""

from __future__ import annotations

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
def evaluate(resource: Resource, _: Stack) -> Iterator[str]:
    """Nodes of another system."""
    path = "amiType" if resource.type == NODE_GROUP else "spec.amiFamily"
    given = at(resource.inputs, path)
    if given is not UNKNOWN and not str(given).upper().startswith("BOTTLEROCKET"):
        yield f"{path} is {shown(given)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="It has no shell, no package manager and a read-only root: little to attack, and "
    "nothing to patch by hand.",
    remedy="Choose a BOTTLEROCKET_ AMI type and the amiFamily Bottlerocket.",
    evaluate=evaluate,
)
