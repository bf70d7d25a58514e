"""The managed nodes that keep a cluster running: one group in every zone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

from components.aws.cluster_hardening import one_node_at_a_time
from components.aws.cluster_versions import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.cell import Kubernetes, NodePool

SYSTEM_LABELS: Final = {"pool": "system"}
SYSTEM_TAINT: Final = {"key": "CriticalAddonsOnly", "value": "true", "effect": "NO_SCHEDULE"}
SYSTEM_TOLERATION: Final = {"key": "CriticalAddonsOnly", "operator": "Exists"}
"""For what must run on system nodes, as Kubernetes writes it."""

OS_VOLUME_GIB: Final = 4
"""Bottlerocket's own volume holds two images of the system; its AMI ships it with 2 GiB."""

BOTTLEROCKET_SETTINGS: Final = """\
[settings.kubernetes]
max-pods = 110
seccomp-default = true

[settings.host-containers.admin]
enabled = false

[settings.host-containers.control]
enabled = false
"""
"""No shell in either host container, and the runtime's seccomp profile for every pod.

110 pods is Kubernetes' own recommendation for a node; without it Bottlerocket counts the addresses
that a node has without prefix delegation, 29 on an m7g.large.
"""


def per_zone(pool: NodePool, zones: int) -> tuple[int, int]:
    """Fewest and most nodes of each zone's group; one node at least, so that no zone is without."""
    minimum = max(1, -(-pool.minimum // zones))
    return minimum, max(minimum, -(-pool.maximum // zones))


class SystemNodes(pulumi.ComponentResource):
    """Bottlerocket nodes in each zone for what carries the `CriticalAddonsOnly` toleration.

    A group spans one zone only, so that no rebalancing leaves a zone without. The nodes' image is
    pinned; a new one replaces them one at a time. `after` is what a node needs to become ready.
    """

    node_groups: list[eks.ManagedNodeGroup]

    def __init__(
        self,
        name: str,
        spec: Kubernetes,
        *,
        cluster: eks.Cluster,
        cluster_name: str,
        zones: tuple[str, ...],
        private_subnet_ids: Sequence[pulumi.Input[str]],
        security_group_id: pulumi.Input[str],
        node_role_arn: pulumi.Input[str],
        key_arn: pulumi.Input[str],
        tags: Mapping[str, str],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:SystemNodes", name, None, opts)
        pool = spec.system_nodes
        template = _launch_template(
            f"{name}-template",
            instance_name=f"{cluster_name}-system",
            security_group_id=security_group_id,
            disk_gib=pool.disk_gib,
            key_arn=key_arn,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        minimum, maximum = per_zone(pool, len(zones))
        self.node_groups = [
            eks.ManagedNodeGroup(
                f"{name}-{zone[-1]}",
                cluster=cluster,
                node_role_arn=node_role_arn,
                subnet_ids=[subnet_id],
                operating_system=eks.OperatingSystem.BOTTLEROCKET,
                instance_types=list(pool.instance_types),
                capacity_type=pool.capacity.upper().replace("-", "_"),
                version=spec.version,
                release_version=VERSIONS[spec.version].bottlerocket,
                launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                    id=template.id, version=template.latest_version.apply(str)
                ),
                scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                    desired_size=minimum, min_size=minimum, max_size=maximum
                ),
                # An operator who adds nodes in an incident is not undone by the next update.
                ignore_scaling_changes=True,
                labels=SYSTEM_LABELS,
                taints=[aws.eks.NodeGroupTaintArgs(**SYSTEM_TAINT)],
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=list(after), transforms=[one_node_at_a_time(after)]
                ),
            )
            for zone, subnet_id in zip(zones, private_subnet_ids, strict=True)
        ]
        self.register_outputs({})


def _launch_template(
    name: str,
    *,
    instance_name: str,
    security_group_id: pulumi.Input[str],
    disk_gib: int,
    key_arn: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.ec2.LaunchTemplate:
    def volume(device: str, size_gib: int) -> aws.ec2.LaunchTemplateBlockDeviceMappingArgs:
        return aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
            device_name=device,
            ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                volume_size=size_gib,
                volume_type="gp3",
                encrypted="true",
                kms_key_id=key_arn,
                delete_on_termination="true",
            ),
        )

    return aws.ec2.LaunchTemplate(
        name,
        description=f"Nodes {instance_name}: IMDSv2 only, encrypted volumes, no shell",
        update_default_version=True,
        vpc_security_group_ids=[security_group_id],
        metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled",
            http_tokens="required",
            # One hop ends at the node: pods have Pod Identity and need no node's credentials.
            http_put_response_hop_limit=1,
            http_protocol_ipv6="disabled",
            instance_metadata_tags="disabled",
        ),
        block_device_mappings=[
            volume("/dev/xvda", OS_VOLUME_GIB),
            volume("/dev/xvdb", disk_gib),
        ],
        user_data=base64.b64encode(BOTTLEROCKET_SETTINGS.encode()).decode(),
        # The provider's default tags stop at the template; what it starts is tagged here.
        tag_specifications=[
            aws.ec2.LaunchTemplateTagSpecificationArgs(
                resource_type=kind, tags={**tags, "Name": instance_name}
            )
            for kind in ("instance", "network-interface", "volume")
        ],
        opts=opts,
    )
