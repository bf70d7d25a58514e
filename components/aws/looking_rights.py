"""What whoever compares with states may read, and what is out of reach although they name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.ledger_access import read_placements
from components.aws.readable_settings import READ_SETTINGS
from components.aws.state import state_bucket, state_key_alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from catalog.organization import Organization
    from components.aws.policy_document import Statement


def looking_statements(
    organization: Organization,
    *,
    ledger_table_arn: pulumi.Input[str],
    ledger_key_alias: str,
    key_actions: Sequence[str] = ("kms:Decrypt",),
    roles: Sequence[str] = (),
) -> list[Statement]:
    """It reads settings, placements and states, and changes nothing.

    States hold secrets in encrypted form, and reading one means opening them. So nothing that they
    open is in reach: no database, no secret beside, no object but states, no role but `roles`.
    `key_actions` is what it does with the keys of states and placements.
    """
    states = f"arn:aws:s3:::{state_bucket(organization)}"
    aliases = [state_key_alias(organization), ledger_key_alias]
    return [
        READ_SETTINGS,
        read_placements(ledger_table_arn),
        {
            "Sid": "ReadStates",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [states, f"{states}/.pulumi/*"],
        },
        {
            "Sid": "OpenStatesAndPlacements",
            "Effect": "Allow",
            "Action": list(key_actions),
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
            ],
            "Resource": "*",
        },
        {
            "Sid": "NoOtherRole",
            "Effect": "Deny",
            "Action": "sts:AssumeRole",
            **({"NotResource": list(roles)} if roles else {"Resource": "*"}),
        },
        {
            "Sid": "NoOtherKey",
            "Effect": "Deny",
            "Action": ["kms:Decrypt", "kms:ReEncryptFrom"],
            "Resource": "*",
            # True also for a key without any alias.
            "Condition": {"ForAllValues:StringNotEquals": {"kms:ResourceAliases": aliases}},
        },
        {
            "Sid": "NoObjectsButStates",
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectTorrent", "s3:GetObjectVersion"],
            "NotResource": f"{states}/.pulumi/*",
        },
    ]
