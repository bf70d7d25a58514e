"""Kubernetes secrets are encrypted with the cell's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import CLUSTER
from policies.rule import Rule, differences, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(CLUSTER, needed_in=("cell",))
def evaluate(cluster: Resource, stack: Stack) -> Iterator[str]:
    """What is encrypted, and by which key."""
    yield from differences(cluster, {"encryptionConfig.resources": ["secrets"]})
    yield from stack.key_problems(cluster, "encryptionConfig.provider.keyArn")


RULE = Rule(
    __name__,
    severity="high",
    why="Without a key of its own, whoever reads etcd's storage reads every tenant's secrets.",
    remedy="Set encryptionConfig with the resource secrets and the cell's key.",
    evaluate=evaluate,
)
