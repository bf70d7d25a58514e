"""Who reads and who sets placements, from the environments' accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.policy_document import account_root, policy_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.aws.policy_document import Statement

READ = ("dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan")
SET = ("dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
"""What comparing and setting takes; nothing is ever deleted, as versions are the history."""


class LedgerAccess(pulumi.ComponentResource):
    """The ledger's own policy: named roles of other accounts read it, or set placements in it.

    `readers` and `writers` are ARNs of roles; writers read too. Callers name the table by its ARN.
    """

    def __init__(
        self,
        name: str,
        *,
        table_arn: pulumi.Input[str],
        readers: Sequence[str],
        writers: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:LedgerAccess", name, None, opts)
        aws.dynamodb.ResourcePolicy(
            f"{name}-policy",
            resource_arn=table_arn,
            policy=policy_document(
                [
                    allow_roles("ReadPlacements", [*readers, *writers], READ, table_arn),
                    allow_roles("SetPlacements", writers, SET, table_arn),
                ]
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def read_placements(table_arn: pulumi.Input[str]) -> Statement:
    """The statement of a role's own policy that lets it read the ledger."""
    return {
        "Sid": "ReadPlacements",
        "Effect": "Allow",
        "Action": list(READ),
        "Resource": table_arn,
    }


def opens_ledger_key(roles: Sequence[str], region: str) -> Statement:
    """The statement of the ledger's key that lets these roles use it, through DynamoDB alone."""
    statement = dict(
        allow_roles("RolesOpenTheLedger", roles, ("kms:Decrypt", "kms:GenerateDataKey"), "*")
    )
    statement["Condition"] = {
        **statement["Condition"],
        "StringEquals": {"kms:ViaService": f"dynamodb.{region}.amazonaws.com"},
    }
    return statement


def allow_roles(
    sid: str, roles: Sequence[str], actions: Sequence[str], resource: pulumi.Input[str]
) -> Statement:
    """Trust in the accounts with the roles as a condition: a role that is made anew still fits."""
    accounts = sorted({role.split(":")[4] for role in roles})
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": [account_root(account) for account in accounts]},
        "Action": list(actions),
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:PrincipalArn": list(roles)}},
    }
