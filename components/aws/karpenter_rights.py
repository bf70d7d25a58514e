"""What Karpenter's controller may do, as its own documentation scopes it by tags.

Source: https://karpenter.sh/docs/reference/cloudformation/#karpentercontrollerpolicy
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.aws.keys import ENCRYPT_AND_DECRYPT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from components.aws.policy_document import Statement

_LAUNCHED = ("fleet", "instance", "launch-template", "network-interface", "spot-instances-request")


def controller_statements(
    *,
    cluster_name: str,
    cluster_arn: pulumi.Input[str],
    account: str,
    region: str,
    node_role_arn: pulumi.Input[str],
    queue_arn: pulumi.Input[str],
    key_arn: pulumi.Input[str],
) -> tuple[Statement, ...]:
    """Launch, tag and end instances of this cluster only, under its nodes' role only.

    It makes no instance profile: the nodes' is declared. All it may make in IAM is EC2's own role
    for spot instances, which AWS makes when an account first asks for one.
    """
    owned = {
        f"aws:RequestTag/kubernetes.io/cluster/{cluster_name}": "owned",
        "aws:RequestTag/eks:eks-cluster-name": cluster_name,
    }
    existing = {f"aws:ResourceTag/kubernetes.io/cluster/{cluster_name}": "owned"}
    ec2 = f"arn:aws:ec2:{region}"
    profiles = f"arn:aws:iam::{account}:instance-profile/{cluster_name}-*"
    pool_requested = {"StringLike": {"aws:RequestTag/karpenter.sh/nodepool": "*"}}
    pool_existing = {"StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"}}
    created = [f"{ec2}:*:{kind}/*" for kind in (*_LAUNCHED, "volume")]
    return (
        _allow(
            "LaunchFromSharedParts",
            ("ec2:CreateFleet", "ec2:RunInstances"),
            [
                f"{ec2}::image/*",
                f"{ec2}::snapshot/*",
                f"{ec2}:*:capacity-reservation/*",
                f"{ec2}:*:security-group/*",
                f"{ec2}:*:subnet/*",
            ],
        ),
        _allow(
            "LaunchFromOwnTemplates",
            ("ec2:CreateFleet", "ec2:RunInstances"),
            f"{ec2}:*:launch-template/*",
            {"StringEquals": existing, **pool_existing},
        ),
        _allow(
            "LaunchTagged",
            ("ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:RunInstances"),
            created,
            {"StringEquals": owned, **pool_requested},
        ),
        _allow(
            "TagWhileLaunching",
            ("ec2:CreateTags",),
            created,
            {
                "StringEquals": {
                    **owned,
                    "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
                },
                **pool_requested,
            },
        ),
        _allow(
            "TagOwnInstances",
            ("ec2:CreateTags",),
            f"{ec2}:*:instance/*",
            {
                "StringEquals": existing,
                **pool_existing,
                "StringEqualsIfExists": {"aws:RequestTag/eks:eks-cluster-name": cluster_name},
                "ForAllValues:StringEquals": {
                    "aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]
                },
            },
        ),
        _allow(
            "EndOwnInstances",
            ("ec2:DeleteLaunchTemplate", "ec2:TerminateInstances"),
            [f"{ec2}:*:instance/*", f"{ec2}:*:launch-template/*"],
            {"StringEquals": existing, **pool_existing},
        ),
        _allow(
            "Look",
            (
                "ec2:DescribeCapacityReservations",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceStatus",
                "ec2:DescribeInstanceTypeOfferings",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeInstances",
                "ec2:DescribeLaunchTemplates",
                "ec2:DescribePlacementGroups",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSpotPriceHistory",
                "ec2:DescribeSubnets",
            ),
            "*",
            {"StringEquals": {"aws:RequestedRegion": region}},
        ),
        _allow(
            "FindImages", ("ssm:GetParameter",), f"arn:aws:ssm:{region}::parameter/aws/service/*"
        ),
        _allow("FindPrices", ("pricing:GetProducts",), "*"),
        _allow("FindTheEndpoint", ("eks:DescribeCluster",), cluster_arn),
        _allow(
            "HearOfInterruptions",
            ("sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"),
            queue_arn,
        ),
        # EC2 encrypts a new node's volumes with the rights of whoever launches it.
        _allow(
            "EncryptVolumesAndReadTheQueue",
            ENCRYPT_AND_DECRYPT,
            key_arn,
        ),
        _allow(
            "LetInstancesUseVolumes",
            ("kms:CreateGrant",),
            key_arn,
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        _allow(
            "GiveNodesTheirRole",
            ("iam:PassRole",),
            node_role_arn,
            {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
        _allow(
            "MakeTheSpotRoleOnce",
            ("iam:CreateServiceLinkedRole",),
            f"arn:aws:iam::{account}:role/aws-service-role/spot.amazonaws.com/*",
            {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}},
        ),
        _allow("LookAtProfiles", ("iam:GetInstanceProfile",), profiles),
        _allow("ListProfiles", ("iam:ListInstanceProfiles",), "*"),
    )


def _allow(
    sid: str,
    actions: Sequence[str],
    resource: Any,
    condition: Mapping[str, Any] | None = None,
) -> Statement:
    statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement
