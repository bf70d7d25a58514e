"""Keeps a pool's least number of nodes up, which Karpenter itself has no setting for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.children import child_options
from components.kubernetes import pods
from components.kubernetes.objects import Application, KubernetesObject
from components.kubernetes.priority_classes import PLACEHOLDER

if TYPE_CHECKING:
    from catalog.cell import NodePool


class NodeFloor(pulumi.ComponentResource):
    """As many idle pods as the pool's minimum, each on another node of the pool.

    They ask for next to nothing and rank below everything, so they take no room from tenants.
    """

    def __init__(
        self,
        name: str,
        spec: NodePool,
        *,
        pool_name: pulumi.Input[str],
        deployment_name: str,
        namespace: pulumi.Input[str],
        image: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Hold `spec.minimum` nodes of the pool."""
        super().__init__("patchworks:kubernetes:NodeFloor", name, None, opts)
        application = Application(
            resource=name,
            name=deployment_name,
            namespace=namespace,
            part_of="karpenter",
            component="floor",
            options=child_options(self, opts),
        )
        pod = _pod(image, pool_name, application.selector)
        KubernetesObject(
            f"{name}-deployment",
            "apps/v1",
            "Deployment",
            # Nodes take minutes to come, and nothing waits for these pods.
            metadata={**application.metadata, "annotations": {"pulumi.com/skipAwait": "true"}},
            fields={
                "spec": {
                    "replicas": spec.minimum,
                    "revisionHistoryLimit": 1,
                    # A surge would find no node that is still without such a pod.
                    "strategy": {"type": "Recreate"},
                    "selector": {"matchLabels": application.selector},
                    "template": pods.pod_template(application, pod),
                }
            },
            opts=application.options,
        )
        self.register_outputs({})


def _pod(image: str, pool_name: pulumi.Input[str], selector: dict[str, str]) -> dict[str, Any]:
    return {
        "priorityClassName": PLACEHOLDER,
        "terminationGracePeriodSeconds": 0,
        "nodeSelector": {"karpenter.sh/nodepool": pool_name},
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": selector},
                    }
                ]
            }
        },
        "topologySpreadConstraints": pods.spread(selector, "standard"),
        "containers": [
            {
                "name": "pause",
                "image": image,
                "resources": pods.resources(10, 16),
                "securityContext": pods.container_security(),
            }
        ],
    }
