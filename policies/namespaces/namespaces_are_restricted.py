"""Pod Security enforces, audits and warns at the restricted level, of a pinned version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

LEVEL = "pod-security.kubernetes.io"


@each("kubernetes:core/v1:Namespace", needed_in=("cell", "tenant"))
def evaluate(namespace: Resource, _: Stack) -> Iterator[str]:
    """Labels that are missing or weaker."""
    labels = at(namespace.inputs, "metadata.labels")
    if labels is UNKNOWN:
        return
    for mode in ("enforce", "audit", "warn"):
        level = (labels or {}).get(f"{LEVEL}/{mode}")
        version = (labels or {}).get(f"{LEVEL}/{mode}-version")
        if level != "restricted":
            yield f"{LEVEL}/{mode} is {shown(level)}"
        elif version in (None, "latest"):
            yield f"{LEVEL}/{mode}-version is {shown(version)}"


RULE = Rule(
    __name__,
    severity="high",
    why="Anything less lets a tenant's pod run as root, mount the node's files or use its "
    "network, and so reach its neighbours.",
    remedy="Label the namespace for all three modes with restricted and the cluster's version.",
    evaluate=evaluate,
)
