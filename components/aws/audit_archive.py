"""The locked bucket in the audit account that keeps the organization's logs for years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.aws.bucket import Bucket, BucketSpec
from components.aws.keys import Key
from components.aws.policy_document import account_root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.organization import Organization

TRAIL_SERVICE = "cloudtrail.amazonaws.com"

CELL_ARCHIVE_ROLES = "log-archive"
"""The last part of the name of a cell's role that moves its logs here."""

VERSIONS_DAYS = 90
"""Old versions outlive the lock by a quarter; nothing but the lock's end makes any."""


def trail_name(organization: Organization) -> str:
    """The organization's trail."""
    return f"{organization.name}-trail"


def trail_arn(organization: Organization) -> str:
    """The trail's ARN, which key and bucket must name before the trail exists."""
    return (
        f"arn:aws:cloudtrail:{organization.home_region}:{organization.accounts.management}"
        f":trail/{trail_name(organization)}"
    )


def archive_bucket(organization: Organization) -> str:
    """The archive's bucket. What begins with `<organization>-audit-` lies in the audit account."""
    return f"{organization.name}-audit-archive"


class AuditArchive(pulumi.ComponentResource):
    """The archive: what is in it, nobody can delete before its time, the root user included.

    CloudTrail writes below `AWSLogs/`, the cells' delivery roles below `cells/<account>/`.
    """

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    access_log_bucket_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:AuditArchive", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        audit = organization.accounts.audit
        days = organization.archive_retention_days
        key = Key(
            f"{name}-key",
            alias=f"{organization.name}-audit-archive",
            description="Encrypts the archived logs of the whole organization",
            account=audit,
            statements=[*_trail_key_statements(organization), _cells_key_statement(organization)],
            opts=child,
        )
        access_name = f"{organization.name}-audit-access-logs"
        access_logs = Bucket(
            f"{name}-access-logs",
            BucketSpec(versions_days=VERSIONS_DAYS, expiry_days=days),
            bucket_name=access_name,
            # S3 delivers its access logs to no bucket that has a key of ours.
            key_arn=None,
            account=audit,
            statements=[_access_log_statement(organization, access_name)],
            opts=child,
        )
        bucket = Bucket(
            f"{name}-archive",
            BucketSpec(versions_days=VERSIONS_DAYS, lock_days=days),
            bucket_name=archive_bucket(organization),
            key_arn=key.key_arn,
            account=audit,
            statements=[
                *_trail_bucket_statements(organization),
                *_cells_bucket_statements(organization),
            ],
            log_bucket=access_logs.bucket_name,
            opts=child,
        )
        self.bucket_name = bucket.bucket_name
        self.bucket_arn = bucket.bucket_arn
        self.key_arn = key.key_arn
        self.access_log_bucket_name = access_logs.bucket_name
        self.register_outputs(
            {
                "bucket_name": self.bucket_name,
                "bucket_arn": self.bucket_arn,
                "key_arn": self.key_arn,
                "access_log_bucket_name": self.access_log_bucket_name,
            }
        )


def _trail_key_statements(organization: Organization) -> list[Mapping[str, Any]]:
    trails = f"arn:aws:cloudtrail:*:{organization.accounts.management}:trail/*"
    ours = {"StringEquals": {"aws:SourceArn": trail_arn(organization)}}
    return [
        {
            "Sid": "TrailEncrypts",
            "Effect": "Allow",
            "Principal": {"Service": TRAIL_SERVICE},
            "Action": "kms:GenerateDataKey*",
            "Resource": "*",
            "Condition": {
                **ours,
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails},
            },
        },
        {
            "Sid": "TrailLooks",
            "Effect": "Allow",
            "Principal": {"Service": TRAIL_SERVICE},
            "Action": "kms:DescribeKey",
            "Resource": "*",
            "Condition": ours,
        },
    ]


def _cells_key_statement(organization: Organization) -> Mapping[str, Any]:
    return {
        "Sid": "CellsEncrypt",
        "Effect": "Allow",
        "Principal": {"AWS": _environment_roots(organization)},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {
            **_only_archive_roles(organization),
            "StringEquals": {"kms:ViaService": f"s3.{organization.home_region}.amazonaws.com"},
        },
    }


def _trail_bucket_statements(organization: Organization) -> list[Mapping[str, Any]]:
    bucket = f"arn:aws:s3:::{archive_bucket(organization)}"
    ours = {"aws:SourceArn": trail_arn(organization)}
    return [
        {
            "Sid": "TrailLooks",
            "Effect": "Allow",
            "Principal": {"Service": TRAIL_SERVICE},
            "Action": "s3:GetBucketAcl",
            "Resource": bucket,
            "Condition": {"StringEquals": ours},
        },
        {
            "Sid": "TrailWrites",
            "Effect": "Allow",
            "Principal": {"Service": TRAIL_SERVICE},
            "Action": "s3:PutObject",
            # Below it the management account's events and, by the organization's id, the members'.
            "Resource": f"{bucket}/AWSLogs/*",
            "Condition": {"StringEquals": {**ours, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]


def _cells_bucket_statements(organization: Organization) -> list[Mapping[str, Any]]:
    bucket = f"arn:aws:s3:::{archive_bucket(organization)}"
    principal = {"AWS": _environment_roots(organization)}
    return [
        {
            "Sid": "CellsLook",
            "Effect": "Allow",
            "Principal": principal,
            "Action": [
                "s3:GetBucketLocation",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
            ],
            "Resource": bucket,
            "Condition": _only_archive_roles(organization),
        },
        {
            "Sid": "CellsWriteBelowTheirAccount",
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"],
            "Resource": f"{bucket}/cells/${{aws:PrincipalAccount}}/*",
            "Condition": _only_archive_roles(organization),
        },
    ]


def _environment_roots(organization: Organization) -> list[str]:
    accounts = organization.accounts
    return [account_root(account) for account in (accounts.dev, accounts.staging, accounts.prod)]


def _only_archive_roles(organization: Organization) -> Mapping[str, Any]:
    return {
        "ArnLike": {
            "aws:PrincipalArn": f"arn:aws:iam::*:role/{organization.name}-*-{CELL_ARCHIVE_ROLES}"
        }
    }


def _access_log_statement(organization: Organization, bucket: str) -> Mapping[str, Any]:
    return {
        "Sid": "S3WritesItsAccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": organization.accounts.audit}},
    }
