"""A cluster's EKS add-ons, pinned, each with a role of its own where it calls AWS.

Nodes become ready only with networking in place, and what runs as a deployment only with nodes, so
there are two components: `NodeAddons` before the nodes and `WorkloadAddons` after them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from catalog import names
from components.aws.cluster_versions import VERSIONS
from components.aws.keys import ENCRYPT_AND_DECRYPT
from components.aws.policy_document import policy_document
from components.aws.system_nodes import SYSTEM_LABELS, SYSTEM_TOLERATION
from components.aws.workload_role import pod_identity_trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.aws.policy_document import Statement

NAMESPACE = "kube-system"

CNI_SETTINGS: Mapping[str, Any] = {
    "enableNetworkPolicy": "true",
    "nodeAgent": {"enablePolicyEventLogs": "true"},
    "env": {
        # A /28 at a time: 110 pods fit on a node of any size, and few calls to EC2 are needed.
        "ENABLE_PREFIX_DELEGATION": "true",
        "WARM_PREFIX_TARGET": "1",
        "AWS_VPC_K8S_CNI_LOGLEVEL": "INFO",
    },
}

ON_SYSTEM_NODES: Mapping[str, Any] = {
    "nodeSelector": SYSTEM_LABELS,
    "tolerations": [SYSTEM_TOLERATION],
}


class NodeAddons(pulumi.ComponentResource):
    """What every node needs: the VPC CNI, kube-proxy and the Pod Identity agent.

    The CNI enforces network policies and hands out prefixes; it has the CNI permissions, which the
    nodes' role therefore lacks. `resources` is what nodes must wait for.
    """

    resources: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        *,
        kubernetes_version: str,
        cluster_name: str,
        cluster_arn: pulumi.Input[str],
        account: str,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:NodeAddons", name, None, opts)
        versions = VERSIONS[kubernetes_version]
        addons = _Addons(self, name, cluster_name, cluster_arn, account)
        agent = addons.addon("eks-pod-identity-agent", versions.pod_identity_agent, after=after)
        self.resources = [
            agent,
            addons.addon("kube-proxy", versions.kube_proxy, after=after),
            addons.addon(
                "vpc-cni",
                versions.vpc_cni,
                settings=CNI_SETTINGS,
                service_account="aws-node",
                managed_policy="AmazonEKS_CNI_Policy",
                after=[agent],
            ),
        ]
        self.register_outputs({})


class WorkloadAddons(pulumi.ComponentResource):
    """What needs a node: CoreDNS, the EBS driver, the metrics server, and GuardDuty's agent.

    The agent runs on every node. GuardDuty would install it by itself only together with an
    endpoint of its own in the network, which then stands in the way of the network's deletion.
    """

    def __init__(
        self,
        name: str,
        *,
        kubernetes_version: str,
        cluster_name: str,
        cluster_arn: pulumi.Input[str],
        account: str,
        key_arn: pulumi.Input[str],
        zones: int,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:WorkloadAddons", name, None, opts)
        versions = VERSIONS[kubernetes_version]
        addons = _Addons(self, name, cluster_name, cluster_arn, account)
        addons.addon(
            "coredns",
            versions.coredns,
            settings={
                **ON_SYSTEM_NODES,
                "replicaCount": zones,
                "topologySpreadConstraints": [_spread("kube-dns")],
            },
            after=after,
        )
        addons.addon(
            "aws-ebs-csi-driver",
            versions.ebs_csi_driver,
            settings={"controller": {**ON_SYSTEM_NODES, "replicaCount": 2}},
            service_account="ebs-csi-controller-sa",
            managed_policy="service-role/AmazonEBSCSIDriverPolicy",
            statements=_encrypt_volumes(key_arn),
            after=after,
        )
        addons.addon(
            "metrics-server",
            versions.metrics_server,
            settings={**ON_SYSTEM_NODES, "replicas": 2},
            after=after,
        )
        addons.addon("aws-guardduty-agent", versions.guardduty_agent, after=after)
        self.register_outputs({})


class _Addons:
    """Declares add-ons of one cluster under one component."""

    def __init__(
        self,
        parent: pulumi.ComponentResource,
        name: str,
        cluster_name: str,
        cluster_arn: pulumi.Input[str],
        account: str,
    ) -> None:
        self._parent = parent
        self._name = name
        self._cluster_name = cluster_name
        self._cluster_arn = cluster_arn
        self._account = account

    def addon(
        self,
        addon: str,
        version: str,
        *,
        after: Sequence[pulumi.Resource],
        settings: Mapping[str, Any] | None = None,
        service_account: str | None = None,
        managed_policy: str | None = None,
        statements: Sequence[Statement] = (),
    ) -> aws.eks.Addon:
        """Declare an add-on, with a Pod Identity role where it has a service account."""
        needed = list(after)
        identities = []
        if service_account is not None and managed_policy is not None:
            role, rights = self._role(addon, service_account, managed_policy, statements)
            needed += rights
            identities.append(
                aws.eks.AddonPodIdentityAssociationArgs(
                    role_arn=role.arn, service_account=service_account
                )
            )
        return aws.eks.Addon(
            f"{self._name}-{addon}",
            cluster_name=self._cluster_name,
            addon_name=addon,
            addon_version=version,
            configuration_values=json.dumps(settings, sort_keys=True) if settings else None,
            pod_identity_associations=identities or None,
            # What is changed by hand is put back; the catalog is the only place to change it.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=needed),
        )

    def _role(
        self,
        addon: str,
        service_account: str,
        managed_policy: str,
        statements: Sequence[Statement],
    ) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        child = pulumi.ResourceOptions(parent=self._parent)
        role = aws.iam.Role(
            f"{self._name}-{addon}-role",
            name=names.fit(f"{self._cluster_name}-{addon}", names.ROLE_LIMIT),
            description=f"Add-on {addon} of the cluster {self._cluster_name}",
            assume_role_policy=policy_document(
                [
                    pod_identity_trust(
                        cluster_arn=self._cluster_arn,
                        account=self._account,
                        namespace=NAMESPACE,
                        service_account=service_account,
                    )
                ]
            ),
            opts=child,
        )
        rights: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{addon}-managed-policy",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{managed_policy}",
                opts=child,
            )
        ]
        if statements:
            rights.append(
                aws.iam.RolePolicy(
                    f"{self._name}-{addon}-policy",
                    name="addon",
                    role=role.name,
                    policy=policy_document(statements),
                    opts=child,
                )
            )
        return role, rights


def _encrypt_volumes(key_arn: pulumi.Input[str]) -> tuple[Statement, ...]:
    return (
        {
            "Sid": "EncryptVolumes",
            "Effect": "Allow",
            "Action": list(ENCRYPT_AND_DECRYPT),
            "Resource": key_arn,
        },
        {
            "Sid": "LetInstancesUseVolumes",
            "Effect": "Allow",
            "Action": "kms:CreateGrant",
            "Resource": key_arn,
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    )


def _spread(app: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"k8s-app": app}},
    }
