"""Karpenter's controller runs off Karpenter's nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import RELEASE
from policies.rule import Rule, each
from policies.stack import at, listed, shown
from policies.workloads import is_karpenter
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

OWN = {"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}
TERMS = (
    "values.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
)


@each(RELEASE, where=is_karpenter, needed_in=("cell",))
def evaluate(release: Resource, _: Stack) -> Iterator[str]:
    """Terms under which the controller may land on its own nodes."""
    terms = at(release.inputs, TERMS)
    if terms is not UNKNOWN and not all(
        OWN in listed(at(term, "matchExpressions")) for term in terms or [{}]
    ):
        yield f"{TERMS} is {shown(terms)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="A controller on a node of its own may remove the node that it runs on, and then "
    "nothing makes a new one.",
    remedy="Demand nodes without the label karpenter.sh/nodepool.",
    evaluate=evaluate,
)
