"""The AWS Load Balancer Controller, which registers pods in target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components.children import child_options
from components.kubernetes import images
from components.kubernetes.namespace import SystemNamespace

if TYPE_CHECKING:
    from catalog.cell import Kubernetes

NAMESPACE = "load-balancer-controller"
SERVICE_ACCOUNT = "aws-load-balancer-controller"
"""The account that takes the controller's IAM role by Pod Identity."""


class LoadBalancerController(pulumi.ComponentResource):
    """The controller on the system nodes, for target group bindings only.

    Load balancers are Pulumi's, so the controller may neither make them for Services and
    Ingresses nor attach firewalls or shields.
    """

    release: Release

    def __init__(
        self,
        name: str,
        spec: Kubernetes,
        *,
        cluster_name: pulumi.Input[str],
        region: str,
        vpc_id: pulumi.Input[str],
        registry: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Install the controller's chart."""
        super().__init__("patchworks:kubernetes:LoadBalancerController", name, None, opts)
        namespace = SystemNamespace(
            f"{name}-system",
            spec,
            namespace=NAMESPACE,
            opts=child_options(self, opts),
        )
        self.release = Release(
            f"{name}-release",
            name="aws-load-balancer-controller",
            chart=images.chart(registry, "aws-load-balancer-controller"),
            version=images.LOAD_BALANCER_CONTROLLER_CHART,
            namespace=namespace.namespace_name,
            atomic=True,
            max_history=5,
            timeout=600,
            values={
                "clusterName": cluster_name,
                "region": region,
                "vpcId": vpc_id,
                "replicaCount": 2,
                "image": {
                    "repository": f"{registry}/mirror/aws-load-balancer-controller",
                    "tag": images.LOAD_BALANCER_CONTROLLER_IMAGE_TAG,
                },
                "serviceAccount": {"create": True, "name": SERVICE_ACCOUNT},
                "priorityClassName": "system-cluster-critical",
                "podDisruptionBudget": {"maxUnavailable": 1},
                "resources": {
                    "requests": {"cpu": "100m", "memory": "256Mi"},
                    "limits": {"memory": "256Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "runAsNonRoot": True,
                    "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
                "affinity": {"nodeAffinity": on_system_nodes()},
                "enableServiceMutatorWebhook": False,
                "createIngressClassResource": False,
                "ingressClassParams": {"create": False},
                "enableShield": False,
                "enableWaf": False,
                "enableWafv2": False,
                "controllerConfig": {"featureGates": {"EnableServiceController": False}},
            },
            opts=child_options(self, opts),
        )
        self.register_outputs({})


def on_system_nodes() -> dict[str, object]:
    """Node affinity to nodes that Karpenter did not make: the managed system nodes."""
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {
                    "matchExpressions": [
                        {"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"},
                        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
                    ]
                }
            ]
        }
    }
