"""The IAM role of one workload: one service account, in one namespace, of one cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from components.aws.policy_document import policy_document
from components.children import child_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.aws.policy_document import Statement


class WorkloadRole(pulumi.ComponentResource):
    """A role that EKS Pod Identity hands to the pods of one service account and to nothing else.

    `statements` are IAM policy statements; a workload without any has the identity alone. The
    association's inputs are plain names, so the service account may be made before or after it.
    """

    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        role_name: str,
        cluster_name: pulumi.Input[str],
        cluster_arn: pulumi.Input[str],
        account: str,
        namespace: str,
        service_account: str,
        statements: Sequence[Mapping[str, Any]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:WorkloadRole", name, None, opts)
        child = child_options(self, opts)
        role = aws.iam.Role(
            f"{name}-role",
            name=role_name,
            description=f"Service account {service_account} of namespace {namespace}",
            assume_role_policy=policy_document(
                [
                    pod_identity_trust(
                        cluster_arn=cluster_arn,
                        account=account,
                        namespace=namespace,
                        service_account=service_account,
                    )
                ]
            ),
            max_session_duration=3600,
            opts=child,
        )
        ready: list[pulumi.Resource] = [role]
        if statements:
            ready.append(
                aws.iam.RolePolicy(
                    f"{name}-policy",
                    name="workload",
                    role=role.name,
                    policy=policy_document(statements),
                    opts=child,
                )
            )
        aws.eks.PodIdentityAssociation(
            f"{name}-association",
            cluster_name=cluster_name,
            namespace=namespace,
            service_account=service_account,
            role_arn=role.arn,
            # A pod that starts with the association finds its rights in place.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=ready)),
        )
        self.role_name = role.name
        self.role_arn = role.arn
        self.register_outputs({"role_name": self.role_name, "role_arn": self.role_arn})


def pod_identity_trust(
    *,
    cluster_arn: pulumi.Input[str],
    account: str,
    namespace: str,
    service_account: str,
) -> Statement:
    """Trust that only Pod Identity can satisfy, for one service account of one cluster.

    Pod Identity sends the request tags itself, so a pod cannot choose them.
    """
    return {
        "Sid": "PodIdentityOfOneServiceAccount",
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": account,
                "aws:RequestTag/eks-cluster-arn": cluster_arn,
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": service_account,
            },
            "ArnEquals": {"aws:SourceArn": cluster_arn},
        },
    }
