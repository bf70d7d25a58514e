"""Copies a cell's logs to the organization's locked archive as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from catalog import names
from components.aws.audit_archive import CELL_ARCHIVE_ROLES, archive_bucket
from components.aws.policy_document import policy_document
from components.children import child_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.cell import Cell
    from catalog.organization import Organization

STREAM_LIMIT = 64
BUFFER_MIB = 64
BUFFER_SECONDS = 900
"""A quarter of an hour at most is not yet in the archive; until then CloudWatch has it."""


class LogArchive(pulumi.ComponentResource):
    """A delivery stream from log groups to `cells/<account>/<cell>/` in the audit account.

    `log_groups` maps a short name that stays to the name of a log group. CloudWatch keeps a log for
    a month; what is in the archive nobody can delete for years. Objects hold CloudWatch's own gzip
    members one after another, which `zcat` reads as one.
    """

    stream_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        cell: Cell,
        log_groups: Mapping[str, pulumi.Input[str]],
        archive_key_arn: pulumi.Input[str],
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Archive the groups; `archive_key_arn` is the archive's, `key_arn` the cell's own."""
        super().__init__("patchworks:aws:LogArchive", name, None, opts)
        child = child_options(self, opts)
        bucket_arn = f"arn:aws:s3:::{archive_bucket(organization)}"
        delivery = _role(
            f"{name}-delivery",
            role_name=names.role(organization, cell, CELL_ARCHIVE_ROLES),
            description="Writes the cell's logs to the organization's archive.",
            trust=_trust("firehose.amazonaws.com", cell),
            opts=child,
        )
        writing = aws.iam.RolePolicy(
            f"{name}-delivery-policy",
            name="delivery",
            role=delivery.name,
            policy=policy_document(_delivery_rights(bucket_arn, archive_key_arn, organization)),
            opts=child,
        )
        place = f"cells/{cell.account}/{cell.name}"
        stream = aws.kinesis.FirehoseDeliveryStream(
            f"{name}-stream",
            name=names.fit(f"{cell.name}-logs", STREAM_LIMIT),
            destination="extended_s3",
            extended_s3_configuration={
                "bucket_arn": bucket_arn,
                "role_arn": delivery.arn,
                "kms_key_arn": archive_key_arn,
                "prefix": f"{place}/!{{timestamp:yyyy/MM/dd}}/",
                "error_output_prefix": f"{place}-undelivered/!{{firehose:error-output-type}}/",
                "buffering_size": BUFFER_MIB,
                "buffering_interval": BUFFER_SECONDS,
                "compression_format": "UNCOMPRESSED",
                "file_extension": ".gz",
            },
            server_side_encryption={
                "enabled": True,
                "key_type": "CUSTOMER_MANAGED_CMK",
                "key_arn": key_arn,
            },
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[writing])),
        )
        subscriber = _role(
            f"{name}-subscriber",
            role_name=names.role(organization, cell, "log-subscriber"),
            description="Hands the cell's logs to the stream that archives them.",
            trust=_trust("logs.amazonaws.com", cell),
            opts=child,
        )
        handing = aws.iam.RolePolicy(
            f"{name}-subscriber-policy",
            name="subscriber",
            role=subscriber.name,
            policy=policy_document(
                [
                    {
                        "Sid": "HandLogsToTheStream",
                        "Effect": "Allow",
                        "Action": ["firehose:PutRecord", "firehose:PutRecordBatch"],
                        "Resource": stream.arn,
                    }
                ]
            ),
            opts=child,
        )
        for group, log_group_name in sorted(log_groups.items()):
            aws.cloudwatch.LogSubscriptionFilter(
                f"{name}-{group}",
                name="archive",
                log_group=log_group_name,
                # Everything.
                filter_pattern="",
                destination_arn=stream.arn,
                role_arn=subscriber.arn,
                # CloudWatch tries the destination at once, so the role's rights must stand.
                opts=pulumi.ResourceOptions.merge(
                    child, pulumi.ResourceOptions(depends_on=[handing])
                ),
            )
        self.stream_arn = stream.arn
        self.register_outputs({"stream_arn": self.stream_arn})


def _role(
    name: str,
    *,
    role_name: str,
    description: str,
    trust: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> aws.iam.Role:
    return aws.iam.Role(
        name,
        name=role_name,
        description=description,
        assume_role_policy=policy_document([trust]),
        opts=opts,
    )


def _trust(service: str, cell: Cell) -> Mapping[str, Any]:
    return {
        "Sid": "LogsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": cell.account}}
        if service.startswith("firehose")
        # CloudWatch Logs states the log group it acts for, and no account besides.
        else {"StringLike": {"aws:SourceArn": f"arn:aws:logs:{cell.region}:{cell.account}:*"}},
    }


def _delivery_rights(
    bucket_arn: str, archive_key_arn: pulumi.Input[str], organization: Organization
) -> list[Mapping[str, Any]]:
    return [
        {
            "Sid": "LookAtTheArchive",
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            "Resource": bucket_arn,
        },
        {
            "Sid": "WriteToTheArchive",
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:PutObject"],
            "Resource": f"{bucket_arn}/cells/${{aws:PrincipalAccount}}/*",
        },
        {
            "Sid": "EncryptInTheArchive",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": archive_key_arn,
            "Condition": {
                "StringEquals": {"kms:ViaService": f"s3.{organization.home_region}.amazonaws.com"}
            },
        },
    ]
