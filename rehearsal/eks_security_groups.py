"""The security groups that pulumi-eks makes unless it is told to skip them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rehearsal.children import Child, Derived, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP_TYPE: Final = "aws:ec2/securityGroup:SecurityGroup"
_DESCRIPTION: Final = "Managed by Pulumi"
_ALL: Final = {"fromPort": 0, "toPort": 0, "protocol": "-1"}
_HTTPS: Final = {"fromPort": 443, "toPort": 443, "protocol": "tcp"}


def cluster_group(name: str, inputs: Mapping[str, Any]) -> tuple[Child, Child]:
    """The control plane's group and its way out to everywhere."""
    group = Child(
        type=GROUP_TYPE,
        name=f"{name}-eksClusterSecurityGroup",
        inputs={
            "description": _DESCRIPTION,
            "revokeRulesOnDelete": True,
            "tags": {
                "Name": f"{name}-eksClusterSecurityGroup",
                **inputs.get("clusterSecurityGroupTags", {}),
                **inputs.get("tags", {}),
            },
            "vpcId": inputs["vpcId"],
        },
    )
    return group, _rule(name, "eksClusterInternetEgressRule", Ref(group.key, "id"), _OUT, **_ALL)


def node_group(
    name: str, inputs: Mapping[str, Any], cluster_group_id: Any, cluster_name: Ref
) -> tuple[Child, ...]:
    """The nodes' group, its rules, and the control plane's rule for it."""
    own_tags = {**inputs.get("nodeSecurityGroupTags", {}), **inputs.get("tags", {})}

    def tags(cluster: str) -> dict[str, Any]:
        owned = f"kubernetes.io/cluster/{cluster}"
        return {"Name": f"{name}-nodeSecurityGroup", owned: "owned", **own_tags}

    group = Child(
        type=GROUP_TYPE,
        name=f"{name}-nodeSecurityGroup",
        inputs={
            "description": _DESCRIPTION,
            "revokeRulesOnDelete": True,
            "tags": Derived((cluster_name,), tags),
            "vpcId": inputs["vpcId"],
        },
    )
    nodes = Ref(group.key, "id")
    from_cluster = {"type": "ingress", "sourceSecurityGroupId": cluster_group_id}
    return (
        group,
        _rule(
            name,
            "eksExtApiServerClusterIngressRule",
            nodes,
            {
                **from_cluster,
                "description": "Allow pods running extension API servers on port 443 to receive "
                "communication from cluster control plane",
            },
            **_HTTPS,
        ),
        _rule(
            name,
            "eksNodeIngressRule",
            nodes,
            {
                "type": "ingress",
                "self": True,
                "description": "Allow nodes to communicate with each other",
            },
            **_ALL,
        ),
        _rule(name, "eksNodeInternetEgressRule", nodes, _OUT, **_ALL),
        _rule(
            name,
            "eksClusterIngressRule",
            cluster_group_id,
            {
                "type": "ingress",
                "sourceSecurityGroupId": nodes,
                "description": "Allow pods to communicate with the cluster API Server",
            },
            **_HTTPS,
        ),
        _rule(
            name,
            "eksNodeClusterIngressRule",
            nodes,
            {
                **from_cluster,
                "description": "Allow worker Kubelets and pods to receive communication from the "
                "cluster control plane",
            },
            fromPort=1025,
            toPort=65535,
            protocol="tcp",
        ),
    )


_OUT: Final = {
    "type": "egress",
    "cidrBlocks": ["0.0.0.0/0"],
    "description": "Allow internet access.",
}


def _rule(name: str, part: str, group_id: Any, what: Mapping[str, Any], **ports: Any) -> Child:
    return Child(
        type="aws:ec2/securityGroupRule:SecurityGroupRule",
        name=f"{name}-{part}",
        inputs={**what, **ports, "securityGroupId": group_id},
    )
