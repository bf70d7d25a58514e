"""Karpenter, and the pools of nodes it fills with what tenants need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from catalog.instance_sizes import virtual_cpus
from components.children import child_options
from components.kubernetes import images
from components.kubernetes.load_balancer_controller import on_system_nodes
from components.kubernetes.namespace import SystemNamespace
from components.kubernetes.node_floor import NodeFloor
from components.kubernetes.objects import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.cell import Kubernetes, NodePool

NAMESPACE = "karpenter"
SERVICE_ACCOUNT = "karpenter"
"""The account that takes the controller's IAM role by Pod Identity."""
NODE_CLASS = "bottlerocket"


class Karpenter(pulumi.ComponentResource):
    """The controller on the system nodes, a node class of hardened Bottlerocket, and the pools.

    Pools go before the controller when a cell is destroyed, so that their nodes are drained and
    terminated while somebody is there to do it.
    """

    release: Release

    def __init__(
        self,
        name: str,
        spec: Kubernetes,
        *,
        cluster_name: pulumi.Input[str],
        cluster_endpoint: pulumi.Input[str],
        interruption_queue: pulumi.Input[str],
        instance_profile: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        security_group_ids: Sequence[pulumi.Input[str]],
        key_arn: pulumi.Input[str],
        bottlerocket_version: str,
        tags: Mapping[str, str],
        registry: str,
        pause_image: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Install Karpenter.

        `tags` go on instances and volumes, which no provider tags; `bottlerocket_version` is a
        release such as `1.55.0`, with or without its commit.
        """
        super().__init__("patchworks:kubernetes:Karpenter", name, None, opts)
        child = child_options(self, opts)
        namespace = SystemNamespace(f"{name}-system", spec, namespace=NAMESPACE, opts=child)
        definitions = Release(
            f"{name}-definitions",
            name="karpenter-crd",
            chart=images.chart(registry, "karpenter-crd"),
            version=images.KARPENTER_CHART,
            namespace=namespace.namespace_name,
            max_history=5,
            opts=child,
        )
        self.release = Release(
            f"{name}-release",
            name="karpenter",
            chart=images.chart(registry, "karpenter"),
            version=images.KARPENTER_CHART,
            namespace=namespace.namespace_name,
            skip_crds=True,
            atomic=True,
            max_history=5,
            timeout=600,
            values=_values(registry, cluster_name, cluster_endpoint, interruption_queue),
            opts=_after(child, definitions),
        )
        node_classes = {
            disk: KubernetesObject(
                f"{name}-class-{disk}gib",
                "karpenter.k8s.aws/v1",
                "EC2NodeClass",
                metadata={"name": f"{NODE_CLASS}-{disk}gib"},
                fields={
                    "spec": node_class(
                        instance_profile=instance_profile,
                        subnet_ids=subnet_ids,
                        security_group_ids=security_group_ids,
                        key_arn=key_arn,
                        bottlerocket_version=bottlerocket_version,
                        disk_gib=disk,
                        tags=tags,
                    )
                },
                opts=_after(child, self.release),
            )
            for disk in sorted({pool.disk_gib for pool in spec.node_pools.values()})
        }
        for pool_name, pool in sorted(spec.node_pools.items()):
            made = KubernetesObject(
                f"{name}-pool-{pool_name}",
                "karpenter.sh/v1",
                "NodePool",
                metadata={"name": pool_name},
                fields={"spec": node_pool(pool, node_classes[pool.disk_gib].object_name)},
                opts=_after(child, self.release),
            )
            if pool.minimum:
                NodeFloor(
                    f"{name}-floor-{pool_name}",
                    pool,
                    pool_name=made.object_name,
                    deployment_name=f"floor-{pool_name}",
                    namespace=namespace.namespace_name,
                    image=pause_image,
                    opts=child,
                )
        self.register_outputs({})


def node_class(
    *,
    instance_profile: pulumi.Input[str],
    subnet_ids: Sequence[pulumi.Input[str]],
    security_group_ids: Sequence[pulumi.Input[str]],
    key_arn: pulumi.Input[str],
    bottlerocket_version: str,
    disk_gib: int,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """An EC2NodeClass's spec: pinned Bottlerocket, IMDSv2 for the host alone, encrypted disks."""

    def disk(device: str, size: int) -> dict[str, Any]:
        return {
            "deviceName": device,
            "ebs": {
                "volumeType": "gp3",
                "volumeSize": f"{size}Gi",
                "encrypted": True,
                "kmsKeyID": key_arn,
                "deleteOnTermination": True,
            },
        }

    return {
        "amiFamily": "Bottlerocket",
        # Karpenter knows a release by its version alone, without the commit.
        "amiSelectorTerms": [{"alias": f"bottlerocket@v{bottlerocket_version.partition('-')[0]}"}],
        "instanceProfile": instance_profile,
        "subnetSelectorTerms": [{"id": subnet} for subnet in subnet_ids],
        "securityGroupSelectorTerms": [{"id": group} for group in security_group_ids],
        "associatePublicIPAddress": False,
        "detailedMonitoring": False,
        # Prefix delegation gives a node more addresses than the kubelet should run pods.
        "kubelet": {"maxPods": 110},
        # Bottlerocket keeps the system on the first disk and everything that grows on the second.
        "blockDeviceMappings": [disk("/dev/xvda", 4), disk("/dev/xvdb", disk_gib)],
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
            "httpProtocolIPv6": "disabled",
        },
        "tags": dict(tags),
    }


def node_pool(pool: NodePool, node_class_name: pulumi.Input[str]) -> dict[str, Any]:
    """A NodePool's spec; its ceiling is the CPU of as many of its largest nodes as are allowed."""

    def one_of(key: str, values: Sequence[str]) -> dict[str, Any]:
        return {"key": key, "operator": "In", "values": list(values)}

    largest = max(virtual_cpus(instance_type) for instance_type in pool.instance_types)
    return {
        "template": {
            "spec": {
                "nodeClassRef": {
                    "group": "karpenter.k8s.aws",
                    "kind": "EC2NodeClass",
                    "name": node_class_name,
                },
                "requirements": [
                    one_of("node.kubernetes.io/instance-type", pool.instance_types),
                    one_of("karpenter.sh/capacity-type", [pool.capacity]),
                    one_of("kubernetes.io/os", ["linux"]),
                ],
                # A node lives two weeks at most, and takes an hour at most to leave.
                "expireAfter": "336h",
                "terminationGracePeriod": "1h",
            }
        },
        "limits": {"cpu": str(largest * pool.maximum)},
        "disruption": {
            "consolidationPolicy": "WhenEmptyOrUnderutilized",
            "consolidateAfter": "5m",
            "budgets": [
                {"nodes": "50%", "reasons": ["Empty"]},
                {"nodes": "10%", "reasons": ["Underutilized", "Drifted"]},
            ],
        },
    }


def _values(
    registry: str,
    cluster_name: pulumi.Input[str],
    cluster_endpoint: pulumi.Input[str],
    interruption_queue: pulumi.Input[str],
) -> dict[str, Any]:
    return {
        "replicas": 2,
        "priorityClassName": "system-cluster-critical",
        "serviceAccount": {"create": True, "name": SERVICE_ACCOUNT},
        # The chart pins the image's digest, and a mirror keeps it.
        "controller": {
            "image": {"repository": f"{registry}/mirror/karpenter/controller"},
            "resources": {
                "requests": {"cpu": "500m", "memory": "1Gi"},
                "limits": {"memory": "1Gi"},
            },
        },
        "affinity": {"nodeAffinity": on_system_nodes()},
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
        # Without this the controller would wait for CoreDNS, which may wait for its nodes.
        "dnsPolicy": "Default",
        "settings": {
            "clusterName": cluster_name,
            "clusterEndpoint": cluster_endpoint,
            "interruptionQueue": interruption_queue,
        },
    }


def _after(options: pulumi.ResourceOptions, resource: pulumi.Resource) -> pulumi.ResourceOptions:
    """The options of a resource that needs another one for as long as it exists."""
    return pulumi.ResourceOptions.merge(
        options,
        pulumi.ResourceOptions(
            depends_on=[resource], custom_timeouts=pulumi.CustomTimeouts(delete="30m")
        ),
    )
