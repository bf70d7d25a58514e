"""Copies a cell's logs to the organization's locked archive as they are written.

`docs/decisions/log-archive.md` says why it goes this way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from catalog import names
from components.aws.audit_archive import CELL_ARCHIVE_ROLES, archive_bucket
from components.aws.log_archive_alarms import LogArchiveAlarms
from components.aws.log_subscriptions import LogSubscriptions
from components.aws.policy_document import policy_document, service_trust
from components.children import child_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.cell import Cell
    from catalog.organization import Organization
    from components.aws.policy_document import Statement

STREAM_LIMIT = 64
BUFFER_MIB = 64
BUFFER_SECONDS = 900
"""A quarter of an hour at most is not yet in the archive; until then CloudWatch has it."""


class LogArchive(pulumi.ComponentResource):
    """A delivery stream from log groups to `cells/<account>/<cell>/` in the audit account.

    `log_groups` are the cell's own; tenants' go to the same stream, see `LogSubscriptions`.
    CloudWatch keeps a log for a month; what is in the archive nobody can delete for years. Objects
    hold CloudWatch's own gzip members one after another, which `zcat` reads as one.
    """

    stream_arn: pulumi.Output[str]
    subscriber_role_arn: pulumi.Output[str]
    """What CloudWatch hands logs to the stream as; known when the role has its rights."""

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        cell: Cell,
        log_groups: Mapping[str, pulumi.Input[str]],
        archive_key_arn: pulumi.Input[str],
        key_arn: pulumi.Input[str],
        event_topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Archive the groups; `archive_key_arn` is the archive's, `key_arn` the cell's own."""
        super().__init__("patchworks:aws:LogArchive", name, None, opts)
        self._name = name
        self._organization = organization
        self._cell = cell
        self._child = child_options(self, opts)
        stream_name = names.fit(f"{cell.name}-logs", STREAM_LIMIT)
        stream = self._stream(stream_name, archive_key_arn, key_arn)
        self.stream_arn = stream.arn
        self.subscriber_role_arn = self._subscriber(stream.arn)
        LogSubscriptions(
            f"{name}-subscriptions",
            log_groups=log_groups,
            stream_arn=self.stream_arn,
            role_arn=self.subscriber_role_arn,
            opts=self._child,
        )
        LogArchiveAlarms(
            f"{name}-alarms",
            stream_name=stream_name,
            topic_arn=event_topic_arn,
            opts=self._child,
        )
        self.register_outputs(
            {"stream_arn": self.stream_arn, "subscriber_role_arn": self.subscriber_role_arn}
        )

    def _stream(
        self, stream_name: str, archive_key_arn: pulumi.Input[str], key_arn: pulumi.Input[str]
    ) -> aws.kinesis.FirehoseDeliveryStream:
        bucket_arn = f"arn:aws:s3:::{archive_bucket(self._organization)}"
        refusals = aws.cloudwatch.LogGroup(
            f"{self._name}-refusals",
            name=f"/aws/kinesisfirehose/{stream_name}",
            retention_in_days=self._organization.log_retention_days,
            kms_key_id=key_arn,
            opts=self._child,
        )
        refusal_stream = aws.cloudwatch.LogStream(
            f"{self._name}-refusals-stream",
            name="delivery",
            log_group_name=refusals.name,
            opts=self._child,
        )
        role = self._role(
            "delivery",
            role_name=names.role(self._organization, self._cell, CELL_ARCHIVE_ROLES),
            description="Writes the cell's logs to the organization's archive.",
            trust=_firehose(self._cell),
        )
        rights = aws.iam.RolePolicy(
            f"{self._name}-delivery-policy",
            name="delivery",
            role=role.name,
            policy=policy_document(
                _delivery_rights(bucket_arn, archive_key_arn, refusals.arn, self._organization)
            ),
            opts=self._child,
        )
        place = f"cells/{self._cell.account}/{self._cell.name}"
        return aws.kinesis.FirehoseDeliveryStream(
            f"{self._name}-stream",
            name=stream_name,
            destination="extended_s3",
            extended_s3_configuration={
                "bucket_arn": bucket_arn,
                "role_arn": role.arn,
                "kms_key_arn": archive_key_arn,
                "prefix": f"{place}/!{{timestamp:yyyy/MM/dd}}/",
                "error_output_prefix": f"{place}-undelivered/!{{firehose:error-output-type}}/",
                "buffering_size": BUFFER_MIB,
                "buffering_interval": BUFFER_SECONDS,
                # CloudWatch has packed them already.
                "compression_format": "UNCOMPRESSED",
                "file_extension": ".gz",
                "cloudwatch_logging_options": {
                    "enabled": True,
                    "log_group_name": refusals.name,
                    "log_stream_name": refusal_stream.name,
                },
            },
            server_side_encryption={
                "enabled": True,
                "key_type": "CUSTOMER_MANAGED_CMK",
                "key_arn": key_arn,
            },
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[rights])
            ),
        )

    def _subscriber(self, stream_arn: pulumi.Output[str]) -> pulumi.Output[str]:
        """The ARN of CloudWatch's role, which whoever uses it gets only after its rights."""
        role = self._role(
            "subscriber",
            role_name=names.role(self._organization, self._cell, "log-subscriber"),
            description="Hands the cell's logs to the stream that archives them.",
            trust=_cloudwatch(self._cell),
        )
        rights = aws.iam.RolePolicy(
            f"{self._name}-subscriber-policy",
            name="subscriber",
            role=role.name,
            policy=policy_document(
                [
                    {
                        "Sid": "HandLogsToTheStream",
                        "Effect": "Allow",
                        "Action": ["firehose:PutRecord", "firehose:PutRecordBatch"],
                        "Resource": stream_arn,
                    }
                ]
            ),
            opts=self._child,
        )
        return pulumi.Output.all(role.arn, rights.id).apply(lambda made: str(made[0]))

    def _role(
        self, part: str, *, role_name: str, description: str, trust: Statement
    ) -> aws.iam.Role:
        return aws.iam.Role(
            f"{self._name}-{part}",
            name=role_name,
            description=description,
            assume_role_policy=policy_document([trust]),
            opts=self._child,
        )


def _firehose(cell: Cell) -> Statement:
    return service_trust("FirehoseOfThisAccount", "firehose.amazonaws.com", cell.account)


def _cloudwatch(cell: Cell) -> Statement:
    return {
        "Sid": "LogsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
        # CloudWatch Logs states the log group it acts for, and no account besides.
        "Condition": {
            "StringLike": {"aws:SourceArn": f"arn:aws:logs:{cell.region}:{cell.account}:*"}
        },
    }


def _delivery_rights(
    bucket_arn: str,
    archive_key_arn: pulumi.Input[str],
    refusals_arn: pulumi.Output[str],
    organization: Organization,
) -> list[dict[str, Any]]:
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
            # Into another account Firehose hands objects over by their ACL.
            "Action": ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"],
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
        {
            "Sid": "SayWhatWasRefused",
            "Effect": "Allow",
            "Action": "logs:PutLogEvents",
            "Resource": pulumi.Output.concat(refusals_arn, ":*"),
        },
    ]
