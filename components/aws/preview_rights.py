"""What CI may read while it previews: settings of what the stacks declare, and nothing secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.state import state_bucket, state_key_alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from catalog.organization import Organization
    from components.aws.policy_document import Statement

READABLE = (
    "access-analyzer:GetAnalyzer",
    "access-analyzer:List*",
    "acm:DescribeCertificate",
    "acm:ListTagsForCertificate",
    "autoscaling:Describe*",
    "backup:Describe*",
    "backup:GetBackupPlan",
    "backup:GetBackupSelection",
    "backup:GetBackupVaultAccessPolicy",
    "backup:GetRestoreTestingPlan",
    "backup:GetRestoreTestingSelection",
    "backup:List*",
    "cloudtrail:Describe*",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetInsightSelectors",
    "cloudtrail:GetTrail",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:ListTags",
    "cloudwatch:Describe*",
    "cloudwatch:ListTagsForResource",
    "codebuild:BatchGetProjects",
    "codeconnections:GetConnection",
    "codeconnections:ListTagsForResource",
    "config:Describe*",
    "config:ListTagsForResource",
    "dynamodb:Describe*",
    "dynamodb:ListTagsOfResource",
    "ec2:Describe*",
    "ec2:GetEbsEncryptionByDefault",
    "ec2:GetInstanceMetadataDefaults",
    "ec2:GetManagedPrefixListEntries",
    "ec2:GetSnapshotBlockPublicAccessState",
    "ec2:GetImageBlockPublicAccessState",
    "ecr:Describe*",
    "ecr:GetAccountSetting",
    "ecr:GetRegistryPolicy",
    "ecr:GetRegistryScanningConfiguration",
    "ecr:GetRepositoryPolicy",
    "ecr:ListTagsForResource",
    "eks:Describe*",
    "eks:List*",
    "elasticloadbalancing:Describe*",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "firehose:DescribeDeliveryStream",
    "firehose:ListTagsForDeliveryStream",
    "guardduty:GetDetector",
    "iam:GetInstanceProfile",
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:GetSAMLProvider",
    "iam:List*",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:List*",
    "logs:Describe*",
    "logs:ListTagsForResource",
    "rds:Describe*",
    "rds:ListTagsForResource",
    "route53:Get*",
    "route53:List*",
    "s3:GetAccelerateConfiguration",
    "s3:GetAccountPublicAccessBlock",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetResourcePolicy",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListTagsForResource",
    "sqs:GetQueueAttributes",
    "sqs:ListQueueTags",
    "ssm:DescribeParameters",
    "wafv2:Get*",
    "wafv2:List*",
)
"""What a provider calls to read back a resource that the stacks declare."""


def preview_statements(
    organization: Organization, *, ledger_table_arn: pulumi.Input[str], ledger_key_alias: str
) -> Sequence[Statement]:
    """The preview role's policy: settings, state and placements, and a denial of what is secret.

    A state's secrets are encrypted in it, but with the key that opens it; what must not be read
    by a preview (a database's master password, say) must not be in a state at all.
    """
    bucket = f"arn:aws:s3:::{state_bucket(organization)}"
    aliases = [state_key_alias(organization), ledger_key_alias]
    return [
        {"Sid": "ReadSettings", "Effect": "Allow", "Action": list(READABLE), "Resource": "*"},
        {
            "Sid": "ReadTheState",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [bucket, f"{bucket}/*"],
        },
        {
            "Sid": "ReadPlacements",
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"],
            "Resource": ledger_table_arn,
        },
        {
            "Sid": "OpenStateAndPlacements",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": f"arn:aws:kms:*:{organization.accounts.management}:key/*",
            "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}},
        },
        {
            "Sid": "NoSecrets",
            "Effect": "Deny",
            "Action": [
                "logs:FilterLogEvents",
                "logs:GetLogEvents",
                "logs:StartQuery",
                "rds-db:connect",
                "secretsmanager:BatchGetSecretValue",
                "secretsmanager:GetSecretValue",
                "ssm:GetParameter",
                "ssm:GetParameterHistory",
                "ssm:GetParameters",
                "ssm:GetParametersByPath",
                "sts:AssumeRole",
            ],
            "Resource": "*",
        },
        {
            "Sid": "NoObjectsButTheState",
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectTorrent", "s3:GetObjectVersion"],
            "NotResource": f"{bucket}/*",
        },
        {
            "Sid": "NoKeyButThese",
            "Effect": "Deny",
            "Action": ["kms:Decrypt", "kms:ReEncryptFrom"],
            "Resource": "*",
            # True also for a key without any alias.
            "Condition": {"ForAllValues:StringNotEquals": {"kms:ResourceAliases": aliases}},
        },
    ]
