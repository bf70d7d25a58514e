"""The least rights of whoever bootstraps an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap.piece import document
from components.aws.boundaries import BOOTSTRAP_ROLE
from components.aws.state import state_bucket, state_key_alias

if TYPE_CHECKING:
    from bootstrap.piece import Document
    from catalog.organization import Organization

_ROLE = (
    "iam:CreateRole",
    "iam:GetRole",
    "iam:UpdateAssumeRolePolicy",
)
_BUCKET = (
    "s3:CreateBucket",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
)
_KEY = (
    "kms:CreateAlias",
    "kms:CreateKey",
    "kms:DescribeKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
)


def rights(organization: Organization, account: str) -> Document:
    """What bootstrapping an account takes, as an IAM policy; reading who one is takes nothing."""
    number = organization.accounts.model_dump()[account]
    if account != "management":
        return document(
            {
                "Effect": "Allow",
                "Action": sorted((*_ROLE, "iam:AttachRolePolicy", "iam:ListAttachedRolePolicies")),
                "Resource": f"arn:aws:iam::{number}:role/{BOOTSTRAP_ROLE}",
            }
        )
    name = state_bucket(organization)
    copier = f"arn:aws:iam::{number}:role/{name}-copy"
    return document(
        {
            "Effect": "Allow",
            "Action": list(_BUCKET),
            "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}-copy"],
        },
        {
            # A key has no name before it has an alias.
            "Effect": "Allow",
            "Action": list(_KEY),
            "Resource": [
                f"arn:aws:kms:*:{number}:key/*",
                f"arn:aws:kms:*:{number}:{state_key_alias(organization)}",
            ],
        },
        {"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "iam:CreateServiceLinkedRole",
            "Resource": f"arn:aws:iam::{number}:role/aws-service-role/mrk.kms.amazonaws.com/*",
        },
        {
            "Effect": "Allow",
            "Action": sorted((*_ROLE, "iam:GetRolePolicy", "iam:PutRolePolicy")),
            "Resource": copier,
        },
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": copier,
            "Condition": {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}},
        },
    )
