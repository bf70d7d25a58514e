"""Who may talk to whom in a cluster: control plane, nodes, load balancers and clients of the API.

Pods share the nodes' security group; what a tenant's pods may reach is narrowed further by the
network policies of its namespace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTROL_PLANE_PORTS: Mapping[int, str] = {
    9443: "Admission webhooks of the load balancer controller",
    10250: "Kubelet: logs, exec and probes",
    10251: "Aggregated API of the metrics server",
}
"""What the control plane calls on nodes and pods."""

SERVICE_PORTS = (1024, 65535)
"""The ports that a service may listen on, as the catalog has them."""


@dataclass(frozen=True, kw_only=True)
class _Traffic:
    """One rule's protocol and ports; -1 stands for all protocols, which have no ports."""

    protocol: str = "tcp"
    first: int | None = None
    last: int | None = None


_ALL = _Traffic(protocol="-1")
_HTTPS = _Traffic(first=443, last=443)
_POSTGRESQL = _Traffic(first=5432, last=5432)


class ClusterSecurityGroups(pulumi.ComponentResource):
    """The three groups of a cluster and every rule between them.

    `api_clients` maps who else may call the Kubernetes API to its security group. The load
    balancers' group has no rules of its own: it names the load balancers to the nodes, in one rule
    however many tenants there are, while each load balancer's own group says what it may send.
    """

    control_plane_id: pulumi.Output[str]
    nodes_id: pulumi.Output[str]
    load_balancers_id: pulumi.Output[str]
    control_plane: aws.ec2.SecurityGroup

    def __init__(
        self,
        name: str,
        *,
        cluster_name: str,
        vpc_id: pulumi.Input[str],
        vpc_cidr: pulumi.Input[str],
        api_clients: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:ClusterSecurityGroups", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self.control_plane = self._group(
            "control-plane", cluster_name, vpc_id, f"Kubernetes API of {cluster_name}."
        )
        nodes = self._group(
            "nodes",
            cluster_name,
            vpc_id,
            f"Nodes and pods of {cluster_name}.",
            # Karpenter finds the group of its nodes by this tag.
            {"karpenter.sh/discovery": cluster_name},
        )
        load_balancers = self._group(
            "load-balancers", cluster_name, vpc_id, f"Load balancers before {cluster_name}."
        )
        self.control_plane_id = self.control_plane.id
        self.nodes_id = nodes.id
        self.load_balancers_id = load_balancers.id
        self._declare_control_plane_rules(api_clients)
        self._declare_node_rules(vpc_cidr)
        self.register_outputs(
            {
                "control_plane_id": self.control_plane_id,
                "nodes_id": self.nodes_id,
                "load_balancers_id": self.load_balancers_id,
            }
        )

    def _declare_control_plane_rules(self, api_clients: Mapping[str, pulumi.Input[str]]) -> None:
        for client, group_id in sorted({**api_clients, "nodes": self.nodes_id}.items()):
            self._ingress(
                f"api-from-{client}",
                self.control_plane_id,
                f"Kubernetes API from {client}.",
                _HTTPS,
                referenced_security_group_id=group_id,
            )
        for port, description in CONTROL_PLANE_PORTS.items():
            traffic = _Traffic(first=port, last=port)
            self._egress(
                f"control-plane-to-{port}",
                self.control_plane_id,
                f"{description}.",
                traffic,
                referenced_security_group_id=self.nodes_id,
            )
            self._ingress(
                f"nodes-from-control-plane-{port}",
                self.nodes_id,
                f"{description}.",
                traffic,
                referenced_security_group_id=self.control_plane_id,
            )

    def _declare_node_rules(self, vpc_cidr: pulumi.Input[str]) -> None:
        self._ingress(
            "nodes-from-nodes",
            self.nodes_id,
            "Pods among each other; network policies narrow it.",
            _ALL,
            referenced_security_group_id=self.nodes_id,
        )
        self._ingress(
            "nodes-from-load-balancers",
            self.nodes_id,
            "Services from load balancers of tenants.",
            _Traffic(first=SERVICE_PORTS[0], last=SERVICE_PORTS[1]),
            referenced_security_group_id=self.load_balancers_id,
        )
        self._egress(
            "nodes-to-nodes",
            self.nodes_id,
            "Pods among each other; network policies narrow it.",
            _ALL,
            referenced_security_group_id=self.nodes_id,
        )
        self._egress(
            "nodes-to-databases",
            self.nodes_id,
            "PostgreSQL within the network of the cell.",
            _POSTGRESQL,
            cidr_ipv4=vpc_cidr,
        )
        self._egress(
            "nodes-to-https",
            self.nodes_id,
            "The Kubernetes API, AWS, and the systems that tenants integrate with.",
            _HTTPS,
            cidr_ipv4="0.0.0.0/0",
        )

    def _group(
        self,
        part: str,
        cluster_name: str,
        vpc_id: pulumi.Input[str],
        description: str,
        tags: Mapping[str, str] | None = None,
    ) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            f"{self._name}-{part}",
            vpc_id=vpc_id,
            description=description,
            # Rules of two groups that name each other would keep both from being deleted.
            revoke_rules_on_delete=True,
            tags={"Name": f"{cluster_name}-{part}", **(tags or {})},
            opts=self._child,
        )

    def _ingress(
        self,
        part: str,
        group_id: pulumi.Input[str],
        description: str,
        traffic: _Traffic,
        *,
        referenced_security_group_id: pulumi.Input[str],
    ) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{part}",
            security_group_id=group_id,
            description=description,
            ip_protocol=traffic.protocol,
            from_port=traffic.first,
            to_port=traffic.last,
            referenced_security_group_id=referenced_security_group_id,
            opts=self._child,
        )

    def _egress(
        self,
        part: str,
        group_id: pulumi.Input[str],
        description: str,
        traffic: _Traffic,
        *,
        referenced_security_group_id: pulumi.Input[str] | None = None,
        cidr_ipv4: pulumi.Input[str] | None = None,
    ) -> None:
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{part}",
            security_group_id=group_id,
            description=description,
            ip_protocol=traffic.protocol,
            from_port=traffic.first,
            to_port=traffic.last,
            referenced_security_group_id=referenced_security_group_id,
            cidr_ipv4=cidr_ipv4,
            opts=self._child,
        )
