"""What CI may read while it previews: settings of what the stacks declare, and nothing secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.ledger_access import read_placements
from components.aws.readable_settings import READ_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from catalog.organization import Organization
    from components.aws.policy_document import Statement


def preview_statements(
    organization: Organization, *, ledger_table_arn: pulumi.Input[str], ledger_key_alias: str
) -> Sequence[Statement]:
    """The preview role's policy: settings and placements, and a denial of what is secret.

    It reads no state. Whoever opens a stack's state holds every secret in it, tenants' database
    passwords among them, and a pull request may run whatever it likes as this role. Plans are made
    from the catalog and the ledger, and need none.
    """
    return [
        READ_SETTINGS,
        read_placements(ledger_table_arn),
        {
            "Sid": "OpenPlacements",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": f"arn:aws:kms:*:{organization.accounts.management}:key/*",
            "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": [ledger_key_alias]}},
        },
        *no_secrets(ledger_key_alias),
        {
            "Sid": "NoObjects",
            "Effect": "Deny",
            "Action": list(_OBJECTS),
            "Resource": "*",
        },
    ]


_OBJECTS = ("s3:GetObject", "s3:GetObjectTorrent", "s3:GetObjectVersion")


def no_secrets(*key_aliases: str) -> list[Statement]:
    """Denies what is secret to whoever reads settings, and every key but those of the aliases."""
    return [
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
            "Sid": "NoOtherKey",
            "Effect": "Deny",
            "Action": ["kms:Decrypt", "kms:ReEncryptFrom"],
            "Resource": "*",
            # True also for a key without any alias.
            "Condition": {
                "ForAllValues:StringNotEquals": {"kms:ResourceAliases": list(key_aliases)}
            },
        },
    ]
