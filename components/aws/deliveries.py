"""The table in which deliveries are recorded, and who may record them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.ledger import RECOVERY_DAYS
from components.aws.ledger_access import allow_roles
from components.aws.policy_document import policy_document

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORD = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan")
"""What comparing and setting a record takes, and reading a year's; nothing is ever deleted."""


class DeliveriesTable(pulumi.ComponentResource):
    """What was delivered where, by whom it was let in, and who is at it now.

    Hash key `delivery` and range key `part`, both strings. Writers compare and set. `recorders`
    are ARNs of roles of other accounts, which name the table by its ARN.
    """

    table_name: pulumi.Output[str]
    table_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        table_name: str,
        key_arn: pulumi.Input[str],
        recorders: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:DeliveriesTable", name, None, opts)
        table = aws.dynamodb.Table(
            f"{name}-table",
            name=table_name,
            billing_mode="PAY_PER_REQUEST",
            hash_key="delivery",
            range_key="part",
            attributes=[{"name": "delivery", "type": "S"}, {"name": "part", "type": "S"}],
            point_in_time_recovery={"enabled": True, "recovery_period_in_days": RECOVERY_DAYS},
            server_side_encryption={"enabled": True, "kms_key_arn": key_arn},
            deletion_protection_enabled=True,
            # It is the evidence of who let what into production.
            opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )
        aws.dynamodb.ResourcePolicy(
            f"{name}-policy",
            resource_arn=table.arn,
            policy=policy_document([allow_roles("RecordDeliveries", recorders, RECORD, table.arn)]),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.table_name = table.name
        self.table_arn = table.arn
        self.register_outputs({"table_name": self.table_name, "table_arn": self.table_arn})
