"""What CI may read while it previews: settings of what the stacks declare, and nothing secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.ledger_access import READ
from components.aws.readable_settings import READABLE_SETTINGS
from components.aws.state import state_bucket, state_key_alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from catalog.organization import Organization
    from components.aws.policy_document import Statement


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
        {
            "Sid": "ReadSettings",
            "Effect": "Allow",
            "Action": list(READABLE_SETTINGS),
            "Resource": "*",
        },
        {
            "Sid": "ReadTheState",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [bucket, f"{bucket}/*"],
        },
        {
            "Sid": "ReadPlacements",
            "Effect": "Allow",
            "Action": list(READ),
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
