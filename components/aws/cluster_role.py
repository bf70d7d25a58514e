"""The IAM role that a cluster's control plane runs under."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from catalog import names
from components.aws.policy_document import policy_document, service_trust

MANAGED_POLICY = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
"""Source: https://docs.aws.amazon.com/eks/latest/userguide/cluster-iam-role.html"""


class ClusterRole(pulumi.ComponentResource):
    """A role that only this account's EKS takes.

    pulumi-eks makes one too, but under a name that no policy can tell from another cluster's. The
    cluster must depend on this component, not on the role alone: without its rights EKS can
    neither begin nor clean up.
    """

    role: aws.iam.Role

    def __init__(
        self,
        name: str,
        *,
        cluster_name: str,
        account: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:ClusterRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.role = aws.iam.Role(
            f"{name}-role",
            name=names.fit(f"{cluster_name}-cluster", names.ROLE_LIMIT),
            description=f"Control plane of the cluster {cluster_name}",
            assume_role_policy=policy_document(
                [service_trust("EksOfThisAccount", "eks.amazonaws.com", account)]
            ),
            opts=child,
        )
        aws.iam.RolePolicyAttachment(
            f"{name}-policy", role=self.role.name, policy_arn=MANAGED_POLICY, opts=child
        )
        self.register_outputs({})
