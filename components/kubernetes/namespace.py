"""Namespaces: a tenant's, with its quota and limits, and those of the cell's own controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from catalog.quantities import (
    add_cpu,
    add_memory,
    cpu_quantity,
    mebibytes,
    memory_quantity,
    millicores,
    times_cpu,
    times_memory,
)
from components.children import child_options
from components.kubernetes import pooler_config
from components.kubernetes.objects import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.cell import Kubernetes
    from catalog.tenant import Quota, Service

DEFAULT_CPU_REQUEST = "50m"
DEFAULT_MEMORY = "256Mi"
"""What a container gets that asks for nothing; such a container is nobody's plan, so little."""

TENANT_LABEL = "patchworks.dev/tenant"
"""On every tenant's namespace, and on no other."""


class TenantNamespace(pulumi.ComponentResource):
    """A tenant's namespace under the restricted Pod Security level, with its quota and limits."""

    namespace_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: Quota,
        *,
        namespace: str,
        tenant: str,
        services: Mapping[str, Service],
        kubernetes_version: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare `namespace`; `kubernetes_version` is the cell's minor version, such as 1.34."""
        super().__init__("patchworks:kubernetes:TenantNamespace", name, None, opts)
        child = child_options(self, opts)
        object_labels = {
            TENANT_LABEL: tenant,
            # The load balancer's health check then holds a rolling update back, not only ours.
            "elbv2.k8s.aws/pod-readiness-gate-inject": "enabled",
            **pod_security_labels(kubernetes_version),
        }
        made = KubernetesObject(
            f"{name}-namespace",
            "v1",
            "Namespace",
            metadata={"name": namespace, "labels": object_labels},
            opts=child,
        )
        self.namespace_name = made.object_name
        KubernetesObject(
            f"{name}-quota",
            "v1",
            "ResourceQuota",
            metadata={"name": "quota", "namespace": self.namespace_name},
            fields={"spec": {"hard": quota_limits(spec, services)}},
            opts=child,
        )
        KubernetesObject(
            f"{name}-limits",
            "v1",
            "LimitRange",
            metadata={"name": "defaults", "namespace": self.namespace_name},
            fields={"spec": {"limits": [container_defaults()]}},
            opts=child,
        )
        self.register_outputs({"namespace_name": self.namespace_name})


class SystemNamespace(pulumi.ComponentResource):
    """A namespace for one of the cell's controllers, under the restricted Pod Security level."""

    namespace_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: Kubernetes,
        *,
        namespace: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare `namespace`."""
        super().__init__("patchworks:kubernetes:SystemNamespace", name, None, opts)
        made = KubernetesObject(
            f"{name}-namespace",
            "v1",
            "Namespace",
            metadata={"name": namespace, "labels": pod_security_labels(spec.version)},
            opts=child_options(self, opts),
        )
        self.namespace_name = made.object_name
        self.register_outputs({"namespace_name": self.namespace_name})


def pod_security_labels(kubernetes_version: str) -> dict[str, str]:
    """Labels that enforce, audit and warn at the restricted level of one Kubernetes version.

    Pinning the version keeps an upgrade of the control plane from changing what is admitted.
    """
    prefix = "pod-security.kubernetes.io"
    levels: dict[str, str] = {}
    for mode in ("enforce", "audit", "warn"):
        levels[f"{prefix}/{mode}"] = "restricted"
        levels[f"{prefix}/{mode}-version"] = f"v{kubernetes_version}"
    return levels


def quota_limits(quota: Quota, services: Mapping[str, Service]) -> dict[str, str]:
    """A ResourceQuota's hard limits: what the tenant bought, and the platform's own need on top.

    That is the pooler, and one replica of the largest service: a rolling update starts the new pod
    before it stops an old one, and would wait for ever in a namespace that is full.
    """
    pods = pooler_config.MOST_PODS
    cpu = cpu_quantity(max(millicores(service.cpu) for service in services.values()))
    memory = memory_quantity(max(mebibytes(service.memory) for service in services.values()))
    total_memory = add_memory(quota.memory, times_memory(pooler_config.MEMORY, pods), memory)
    return {
        "requests.cpu": add_cpu(quota.cpu, times_cpu(pooler_config.CPU, pods), cpu),
        "requests.memory": total_memory,
        "limits.memory": total_memory,
        "pods": str(quota.pods + pods + 1),
        "requests.storage": f"{quota.storage_gib}Gi",
        # Both would open a way in beside the tenant's load balancer and its allow-list.
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def container_defaults() -> dict[str, object]:
    """A LimitRange's entry for containers that state no requests or limits of their own."""
    return {
        "type": "Container",
        "defaultRequest": {"cpu": DEFAULT_CPU_REQUEST, "memory": DEFAULT_MEMORY},
        "default": {"memory": DEFAULT_MEMORY},
    }
