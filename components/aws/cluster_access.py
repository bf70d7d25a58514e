"""Which duty may do what in a cluster, as EKS access entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi_aws as aws
import pulumi_eks as eks

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

_POLICIES: Final = "arn:aws:eks::aws:cluster-access-policy"
VIEW: Final = f"{_POLICIES}/AmazonEKSViewPolicy"
"""Reads what lives in namespaces, secrets excepted."""
ADMIN: Final = f"{_POLICIES}/AmazonEKSClusterAdminPolicy"
"""Everything, nodes and access rules included."""

DEPLOYER: Final = "deployer"
"""Whoever runs Pulumi: the creator of a cluster has no rights in it otherwise."""

POLICY_BY_DUTY: Final[Mapping[str, str]] = {
    "developer": VIEW,
    "auditor": VIEW,
    "operator": ADMIN,
    "break-glass": ADMIN,
    DEPLOYER: ADMIN,
}


def access_entries(
    access: Mapping[str, pulumi.Input[str]],
) -> dict[str, eks.AccessEntryArgs]:
    """One access entry for each duty's role, by duty.

    Raises:
        ValueError: a duty has no access policy; the message names all of them.
    """
    unknown = sorted(set(access) - set(POLICY_BY_DUTY))
    if unknown:
        known = ", ".join(sorted(POLICY_BY_DUTY))
        raise ValueError(f"no access policy for {', '.join(unknown)}; duties are {known}")
    return {
        duty: eks.AccessEntryArgs(
            principal_arn=role_arn,
            access_policies={
                "duty": eks.AccessPolicyAssociationArgs(
                    policy_arn=POLICY_BY_DUTY[duty],
                    access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                )
            },
        )
        for duty, role_arn in sorted(access.items())
    }
