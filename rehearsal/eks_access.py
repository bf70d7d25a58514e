"""Who may use a cluster, as pulumi-eks makes it: access entries, and the nodes' own role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rehearsal.children import Child, External, Ref, Whole
from rehearsal.eks_roles import service_role
from rehearsal.values import reveal

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRY_TYPE: Final = "aws:eks/accessEntry:AccessEntry"
_NODE_POLICIES: Final = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryReadOnly",
)


def instance_role(
    name: str, inputs: Mapping[str, Any], cluster: Child
) -> tuple[list[Any], list[Child]]:
    """The nodes' role where the cluster is asked to make it, with the entry that lets them join."""
    if "instanceRole" in inputs:
        given = inputs["instanceRole"]
        arn: Any = External(given.urn, "arn")
        role, children = given, []
    elif reveal(inputs.get("createInstanceRole")):
        made = service_role(
            f"{name}-instanceRole",
            service="ec2.amazonaws.com",
            policies=_NODE_POLICIES,
            tags=inputs.get("tags"),
        )
        profile = Child(
            type="aws:iam/instanceProfile:InstanceProfile",
            name=f"{name}-instanceProfile",
            inputs={"role": Ref(made.role, "id")},
        )
        arn, role, children = made.arn, Whole(made.role), [*made.children, profile]
    else:
        return [], []
    entry = {"defaultNodeGroupInstanceRole": {"principalArn": arn, "type": "EC2_LINUX"}}
    children += access_entries(name, entry, Ref(cluster.key, "name"))
    return [role], children


def access_entries(
    name: str, entries: Mapping[str, Mapping[str, Any]], cluster_name: Ref
) -> list[Child]:
    """The access entries, by name, then the access policies of each."""
    made, associated = [], []
    for entry_name, entry in entries.items():
        inputs = {
            key: entry[given]
            for key, given in (
                ("kubernetesGroups", "kubernetesGroups"),
                ("principalArn", "principalArn"),
                ("tags", "tags"),
                ("type", "type"),
                ("userName", "username"),
            )
            if entry.get(given) is not None
        }
        child = Child(
            type=ENTRY_TYPE,
            name=f"{name}-{entry_name}",
            inputs={**inputs, "clusterName": cluster_name},
        )
        made.append(child)
        associated += [
            Child(
                type="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
                name=f"{name}-{entry_name}-{policy_name}",
                parent=child.key,
                inputs={
                    "accessScope": policy["accessScope"],
                    "clusterName": cluster_name,
                    "policyArn": policy["policyArn"],
                    "principalArn": entry["principalArn"],
                },
                depends_on=(child.key,),
            )
            for policy_name, policy in (entry.get("accessPolicies") or {}).items()
        ]
    return made + associated
