"""The IAM role that nodes run under, which can do little more than join the cluster."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from catalog import names
from components.aws.policy_document import policy_document

MANAGED_POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")
"""Describe instances and assume Pod Identity roles; pull images.

Not here: the CNI's policy, which its own role has, and AmazonSSMManagedInstanceCore. A shell on a
node would open every tenant's secrets there, so nodes have none; a broken node is replaced.
Source: https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
"""


class NodeRole(pulumi.ComponentResource):
    """A node role for EC2 instances, with the least that lets a node join and pull images.

    Pods cannot take it: the metadata service answers no further than the node itself. What starts
    nodes must depend on this component, not on its outputs alone, or they start without rights.
    """

    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        cluster_name: str,
        part: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:NodeRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=names.fit(f"{cluster_name}-{part}", names.ROLE_LIMIT),
            description=f"Nodes of the cluster {cluster_name}",
            assume_role_policy=policy_document(
                [
                    {
                        "Sid": "Nodes",
                        "Effect": "Allow",
                        "Principal": {"Service": "ec2.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ]
            ),
            opts=child,
        )
        for policy in MANAGED_POLICIES:
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=child,
            )
        self.role_name = role.name
        self.role_arn = role.arn
        self.register_outputs({"role_name": self.role_name, "role_arn": self.role_arn})
