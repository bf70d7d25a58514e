"""What CI may do when it deploys one environment's cells and tenants, and with which limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.deliveries import RECORD
from components.aws.ledger_access import READ, SET
from components.aws.state import state_bucket, state_key_alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from catalog.base import Environment
    from catalog.organization import Organization
    from components.aws.policy_document import Statement

REGIONAL_SERVICES = (
    "acm:*",
    "application-autoscaling:*",
    "autoscaling:*",
    "backup-storage:*",
    "backup:*",
    "cloudwatch:*",
    "codebuild:*",
    "codeconnections:*",
    "ec2:*",
    "eks:*",
    "elasticloadbalancing:*",
    "events:*",
    "firehose:*",
    "kms:*",
    "logs:*",
    "rds:*",
    "sns:*",
    "sqs:*",
    "ssm:*",
    "tag:*",
    "wafv2:*",
)
"""Services whose resources the cells' and tenants' stacks declare, in the environment's regions."""

SERVICES_THAT_TAKE_ROLES = (
    "backup.amazonaws.com",
    "codebuild.amazonaws.com",
    "ec2.amazonaws.com",
    "eks.amazonaws.com",
    "events.amazonaws.com",
    "firehose.amazonaws.com",
    "logs.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "pods.eks.amazonaws.com",
    "rds.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)

SERVICES_WITH_LINKED_ROLES = (
    "autoscaling.amazonaws.com",
    "backup.amazonaws.com",
    "clientvpn.amazonaws.com",
    "clientvpn-connections.amazonaws.com",
    "eks.amazonaws.com",
    "eks-nodegroup.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com",
    "spot.amazonaws.com",
    "wafv2.amazonaws.com",
)


def deploy_statements(
    organization: Organization,
    environment: Environment,
    *,
    regions: Sequence[str],
    shared_roles: Sequence[str],
    ledger_table_arn: pulumi.Input[str],
    deliveries_table_arn: pulumi.Input[str],
    ledger_key_alias: str,
) -> Sequence[Statement]:
    """The deploy role's policy in one environment's account.

    `regions` are those of the environment's cells and backups; `shared_roles` the ARNs of roles in
    the management account, such as the one through which tenants' names are written.
    """
    account = organization.account(environment)
    return [
        {
            "Sid": "DeclareCellsAndTenants",
            "Effect": "Allow",
            "Action": list(REGIONAL_SERVICES),
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": list(regions)}},
        },
        {
            "Sid": "DeclareZones",
            "Effect": "Allow",
            "Action": ["route53:*"],
            "Resource": "*",
        },
        {
            "Sid": "PullImagesAndCharts",
            "Effect": "Allow",
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:DescribeImages",
                "ecr:GetAuthorizationToken",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Resource": "*",
        },
        {
            "Sid": "DeclareBuckets",
            "Effect": "Allow",
            "Action": ["s3:*"],
            "Resource": [
                f"arn:aws:s3:::{organization.name}-{environment}-*",
                f"arn:aws:s3:::{organization.name}-{environment}-*/*",
            ],
        },
        {
            "Sid": "DeclareSecrets",
            "Effect": "Allow",
            "Action": ["secretsmanager:*"],
            "Resource": f"arn:aws:secretsmanager:*:{account}:secret:{environment}-*",
        },
        {
            # RDS makes the master password's secret in the caller's name; nobody here reads it.
            "Sid": "LetRdsKeepMasterPasswords",
            "Effect": "Allow",
            "Action": [
                "secretsmanager:CreateSecret",
                "secretsmanager:DescribeSecret",
                "secretsmanager:RotateSecret",
                "secretsmanager:TagResource",
            ],
            "Resource": f"arn:aws:secretsmanager:*:{account}:secret:rds!*",
        },
        {
            "Sid": "LogInToDatabasesAsTheDeployer",
            "Effect": "Allow",
            "Action": "rds-db:connect",
            "Resource": f"arn:aws:rds-db:*:{account}:dbuser:*/patchworks_deployer",
        },
        {
            "Sid": "UseSharedRoles",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": list(shared_roles),
        },
        {
            "Sid": "ReadAndSetPlacements",
            "Effect": "Allow",
            "Action": [*READ, *SET],
            "Resource": ledger_table_arn,
        },
        {
            "Sid": "RecordDeliveries",
            "Effect": "Allow",
            "Action": list(RECORD),
            "Resource": deliveries_table_arn,
        },
        *_iam_statements(organization, environment),
        *_state_statements(organization, ledger_key_alias),
    ]


def _iam_statements(organization: Organization, environment: Environment) -> list[Statement]:
    ours = f"arn:aws:iam::{organization.account(environment)}"
    mine = f"{organization.name}-{environment}-*"
    roles = f"{ours}:role/{mine}"
    return [
        {
            "Sid": "DeclareRoles",
            "Effect": "Allow",
            "Action": [
                "iam:AddRoleToInstanceProfile",
                "iam:AttachRolePolicy",
                "iam:CreateInstanceProfile",
                "iam:CreatePolicy",
                "iam:CreatePolicyVersion",
                "iam:CreateRole",
                "iam:CreateSAMLProvider",
                "iam:DeleteInstanceProfile",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:DeleteSAMLProvider",
                "iam:DetachRolePolicy",
                "iam:PutRolePolicy",
                "iam:RemoveRoleFromInstanceProfile",
                "iam:Tag*",
                "iam:Untag*",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
                "iam:UpdateSAMLProvider",
            ],
            "Resource": [
                f"{ours}:instance-profile/{mine}",
                f"{ours}:policy/{mine}",
                f"{ours}:saml-provider/{mine}",
                roles,
            ],
        },
        {
            "Sid": "ReadIam",
            "Effect": "Allow",
            "Action": ["iam:Get*", "iam:List*"],
            "Resource": "*",
        },
        {
            "Sid": "HandRolesToServices",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": roles,
            "Condition": {"StringEquals": {"iam:PassedToService": list(SERVICES_THAT_TAKE_ROLES)}},
        },
        {
            "Sid": "LetServicesMakeTheirOwnRoles",
            "Effect": "Allow",
            "Action": "iam:CreateServiceLinkedRole",
            "Resource": f"{ours}:role/aws-service-role/*",
            "Condition": {"StringEquals": {"iam:AWSServiceName": list(SERVICES_WITH_LINKED_ROLES)}},
        },
        {
            "Sid": "HandNoCiRoleToAnything",
            "Effect": "Deny",
            "Action": "iam:PassRole",
            "Resource": f"{ours}:role/{organization.name}-ci-*",
        },
    ]


def _state_statements(organization: Organization, ledger_key_alias: str) -> list[Statement]:
    bucket = f"arn:aws:s3:::{state_bucket(organization)}"
    return [
        {
            "Sid": "KeepTheState",
            "Effect": "Allow",
            "Action": ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
            "Resource": [bucket, f"{bucket}/*"],
        },
        {
            "Sid": "SealStateAndPlacements",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            "Resource": f"arn:aws:kms:*:{organization.accounts.management}:key/*",
            "Condition": {
                "ForAnyValue:StringEquals": {
                    "kms:ResourceAliases": [state_key_alias(organization), ledger_key_alias]
                }
            },
        },
    ]
