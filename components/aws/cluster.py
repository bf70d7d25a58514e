"""A cell's Kubernetes cluster: private, encrypted, audited, with nothing that moves by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

from components.aws.addons import NodeAddons, WorkloadAddons
from components.aws.cluster_access import access_entries
from components.aws.cluster_hardening import without_creators_admin
from components.aws.cluster_role import ClusterRole
from components.aws.cluster_security_groups import ClusterSecurityGroups
from components.aws.node_role import NodeRole
from components.aws.system_nodes import SystemNodes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.cell import Kubernetes

LOG_TYPES: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")
"""All that EKS offers."""


class Cluster(pulumi.ComponentResource):
    """An EKS cluster that only its private network reaches, with its system nodes and add-ons.

    `access` maps a duty, or `deployer`, to the role that has it; see `cluster_access`. The roles
    must exist: whoever runs Pulumi is not let in otherwise. `api_clients` maps who else calls the
    Kubernetes API, such as the VPN, to its security group. Subnets are in the order of `zones`.
    The cell's key must carry the statements of `components.aws.cluster_keys`, and CloudWatch Logs'.
    `nodes_after` is what nodes need to start and to leave, such as the network's routes: it is made
    before them and goes after them. The options must carry a provider for `eks` too.

    With `deletion_protection` AWS refuses to delete the cluster: switch it off, update, destroy.
    """

    cluster_name: pulumi.Output[str]
    cluster_arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    """PEM, base64-encoded."""
    kubeconfig: pulumi.Output[str]
    """JSON; it gets its token from `aws eks get-token` with the caller's own credentials."""
    cluster_security_group_id: pulumi.Output[str]
    node_security_group_id: pulumi.Output[str]
    load_balancer_security_group_id: pulumi.Output[str]
    """To be attached to every load balancer that sends to pods."""
    node_role_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    ready: list[pulumi.Resource]
    """The system nodes, for what needs a node to run on."""

    def __init__(
        self,
        name: str,
        spec: Kubernetes,
        *,
        cluster_name: str,
        account: str,
        zones: tuple[str, ...],
        vpc_id: pulumi.Input[str],
        vpc_cidr: pulumi.Input[str],
        private_subnet_ids: Sequence[pulumi.Input[str]],
        key_arn: pulumi.Input[str],
        access: Mapping[str, pulumi.Input[str]],
        log_retention_days: int,
        api_clients: Mapping[str, pulumi.Input[str]] | None = None,
        node_tags: Mapping[str, str] | None = None,
        nodes_after: Sequence[pulumi.Resource] = (),
        deletion_protection: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Cluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        groups = ClusterSecurityGroups(
            f"{name}-security-groups",
            cluster_name=cluster_name,
            vpc_id=vpc_id,
            vpc_cidr=vpc_cidr,
            api_clients=api_clients or {},
            opts=child,
        )
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            # EKS writes to this very name; a group that it made itself would keep logs for ever.
            name=f"/aws/eks/{cluster_name}/cluster",
            retention_in_days=log_retention_days,
            kms_key_id=key_arn,
            opts=child,
        )
        role = ClusterRole(f"{name}-role", cluster_name=cluster_name, account=account, opts=child)
        before = [logs, groups, role]
        cluster = eks.Cluster(
            f"{name}-eks",
            name=cluster_name,
            version=spec.version,
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="EXTENDED"),
            authentication_mode=eks.AuthenticationMode.API,
            access_entries=access_entries(access),
            service_role=role.role,
            vpc_id=vpc_id,
            private_subnet_ids=list(private_subnet_ids),
            endpoint_private_access=True,
            endpoint_public_access=False,
            cluster_security_group=groups.control_plane,
            skip_default_security_groups=True,
            skip_default_node_group=True,
            create_oidc_provider=False,
            encryption_config_key_arn=key_arn,
            enabled_cluster_log_types=list(LOG_TYPES),
            deletion_protection=deletion_protection,
            # Add-ons are declared one by one, pinned, before and after the nodes.
            bootstrap_self_managed_addons=False,
            use_default_vpc_cni=True,
            kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(enabled=False),
            coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=before,
                transforms=[without_creators_admin(after=before)],
            ),
        )
        made = cluster.eks_cluster
        node_addons = NodeAddons(
            f"{name}-node-addons",
            kubernetes_version=spec.version,
            cluster_name=cluster_name,
            cluster_arn=made.arn,
            account=account,
            after=[cluster],
            opts=child,
        )
        node_role = NodeRole(
            f"{name}-node-role", cluster_name=cluster_name, part="nodes", opts=child
        )
        nodes = SystemNodes(
            f"{name}-system",
            spec,
            cluster=cluster,
            cluster_name=cluster_name,
            zones=zones,
            private_subnet_ids=private_subnet_ids,
            security_group_id=groups.nodes_id,
            node_role_arn=node_role.role_arn,
            key_arn=key_arn,
            tags=node_tags or {},
            after=[node_role, groups, *nodes_after, *node_addons.resources],
            opts=child,
        )
        WorkloadAddons(
            f"{name}-workload-addons",
            kubernetes_version=spec.version,
            cluster_name=cluster_name,
            cluster_arn=made.arn,
            account=account,
            key_arn=key_arn,
            zones=len(zones),
            after=nodes.node_groups,
            opts=child,
        )
        self.cluster_name = made.name
        self.cluster_arn = made.arn
        self.endpoint = made.endpoint
        self.certificate_authority = made.certificate_authority.data
        self.kubeconfig = cluster.kubeconfig_json
        self.cluster_security_group_id = groups.control_plane_id
        self.node_security_group_id = groups.nodes_id
        self.load_balancer_security_group_id = groups.load_balancers_id
        self.node_role_arn = node_role.role_arn
        self.log_group_name = logs.name
        self.ready = list(nodes.node_groups)
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "endpoint": self.endpoint,
                "node_security_group_id": self.node_security_group_id,
            }
        )
