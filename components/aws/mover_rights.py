"""The policy of the role `tenant-mover`: what moving one environment's tenants takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from catalog.base import Environment
    from catalog.organization import Organization
    from components.aws.policy_document import Statement

_KEY_USERS = ("s3", "secretsmanager")

_OWN = ("backups", "load-balancer-logs", "logs")
"""Last parts of the names of a cell's own buckets."""


def mover_statements(
    organization: Organization,
    environment: Environment,
    *,
    regions: Sequence[str],
    shared_roles: Sequence[str],
    ledger_table_arn: pulumi.Input[str],
) -> Sequence[Statement]:
    """The policy in one environment's account.

    Names of cells begin with their environment's, and so do those of their buckets and secrets.
    `regions` are those of the environment's cells; `shared_roles` the ARNs of the roles in the
    management account through which tenants' names are written.
    """
    account = organization.account(environment)
    buckets = f"arn:aws:s3:::{organization.name}-{environment}-*"
    return [
        {
            "Sid": "ReadAndSetPlacements",
            "Effect": "Allow",
            "Action": [
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:Scan",
            ],
            "Resource": ledger_table_arn,
        },
        {
            "Sid": "CloseAndListBuckets",
            "Effect": "Allow",
            "Action": [
                "s3:DeleteBucketPolicy",
                "s3:GetBucketPolicy",
                "s3:ListBucket",
                "s3:PutBucketPolicy",
            ],
            "Resource": buckets,
        },
        {
            "Sid": "BringObjects",
            "Effect": "Allow",
            "Action": [
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:GetObjectTagging",
                "s3:PutObject",
                "s3:PutObjectTagging",
            ],
            "Resource": f"{buckets}/*",
        },
        {
            # What a cell keeps of its own is written by nobody else, and last dumps stay.
            "Sid": "LeaveLogsAndBackupsAlone",
            "Effect": "Deny",
            "Action": ["s3:DeleteBucketPolicy", "s3:DeleteObject", "s3:PutBucketPolicy"],
            "Resource": [f"{buckets}-{kind}{part}" for kind in _OWN for part in ("", "/*")],
        },
        {
            "Sid": "FindSecrets",
            "Effect": "Allow",
            "Action": "secretsmanager:ListSecrets",
            "Resource": "*",
        },
        {
            "Sid": "BringSecrets",
            "Effect": "Allow",
            "Action": [
                "secretsmanager:CreateSecret",
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:TagResource",
            ],
            "Resource": f"arn:aws:secretsmanager:*:{account}:secret:{environment}-*",
        },
        {
            "Sid": "UseTheKeysOfBoth",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": f"arn:aws:kms:*:{account}:key/*",
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": [
                        f"{service}.{region}.amazonaws.com"
                        for region in regions
                        for service in _KEY_USERS
                    ]
                }
            },
        },
        {
            # Of a key under which a tenant left something, whether it can be used still.
            "Sid": "LookAtKeys",
            "Effect": "Allow",
            "Action": "kms:DescribeKey",
            "Resource": f"arn:aws:kms:*:{account}:key/*",
        },
        {
            "Sid": "LookForDatabases",
            "Effect": "Allow",
            "Action": "rds:DescribeDBClusters",
            "Resource": f"arn:aws:rds:*:{account}:cluster:{environment}-*",
        },
        {
            "Sid": "WriteTenantsNames",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": list(shared_roles),
        },
    ]
