"""Priority classes by tenants' tiers: who is evicted first when a cell runs short."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pulumi

from catalog.tenant import Tier
from components.children import child_options
from components.kubernetes.objects import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Mapping

VALUES: Mapping[Tier, int] = {"trial": 1_000, "standard": 10_000, "enterprise": 100_000}
"""Higher goes first; all are far below the cluster's own classes, which start at 2 billion."""
PLACEHOLDER = "patchworks-placeholder"
PLACEHOLDER_VALUE = -1_000


def priority_class(tier: Tier) -> str:
    """The name of a tier's priority class."""
    return f"patchworks-{tier}"


class PriorityClasses(pulumi.ComponentResource):
    """A priority class for each tier, and one for pods that only hold a node's place."""

    def __init__(self, name: str, *, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the classes; they are cluster-wide, so once a cell."""
        super().__init__("patchworks:kubernetes:PriorityClasses", name, None, opts)
        self._child = child_options(self, opts)
        for tier in get_args(Tier):
            # A trial must never push another tenant's pods off a node to get on it.
            policy = "Never" if tier == "trial" else "PreemptLowerPriority"
            self._declare(name, tier, priority_class(tier), VALUES[tier], policy)
        self._declare(name, "placeholder", PLACEHOLDER, PLACEHOLDER_VALUE, "Never")
        self.register_outputs({})

    def _declare(self, name: str, part: str, class_name: str, value: int, policy: str) -> None:
        KubernetesObject(
            f"{name}-{part}",
            "scheduling.k8s.io/v1",
            "PriorityClass",
            metadata={"name": class_name},
            fields={
                "value": value,
                "preemptionPolicy": policy,
                "globalDefault": False,
                "description": f"Pods of the platform's class {part}.",
            },
            opts=self._child,
        )
