"""The table that records which placement serves each tenant."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

RECOVERY_DAYS = 35
"""The longest point-in-time recovery that DynamoDB offers."""


class LedgerTable(pulumi.ComponentResource):
    """The placement ledger: one item per tenant and version, the history under the same key.

    Hash key `tenant` (a string), range key `version` (a number). Writers compare and set; the
    stream carries both images, so that what changed can be told without reading the table.
    """

    table_name: pulumi.Output[str]
    table_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        table_name: str,
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:LedgerTable", name, None, opts)
        table = aws.dynamodb.Table(
            f"{name}-table",
            name=table_name,
            billing_mode="PAY_PER_REQUEST",
            hash_key="tenant",
            range_key="version",
            attributes=[{"name": "tenant", "type": "S"}, {"name": "version", "type": "N"}],
            point_in_time_recovery={"enabled": True, "recovery_period_in_days": RECOVERY_DAYS},
            server_side_encryption={"enabled": True, "kms_key_arn": key_arn},
            deletion_protection_enabled=True,
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )
        self.table_name = table.name
        self.table_arn = table.arn
        self.register_outputs({"table_name": self.table_name, "table_arn": self.table_arn})
