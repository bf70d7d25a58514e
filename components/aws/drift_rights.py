"""What CI may do while it looks, unattended, whether production is as it was brought up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.ledger_access import read_placements
from components.aws.preview_rights import no_secrets
from components.aws.readable_settings import READ_SETTINGS
from components.aws.state import state_bucket, state_key_alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from catalog.organization import Organization
    from components.aws.policy_document import Statement


def drift_statements(
    organization: Organization, *, ledger_table_arn: pulumi.Input[str], ledger_key_alias: str
) -> Sequence[Statement]:
    """The drift role's policy: it reads settings, placements and states, and changes nothing.

    States hold secrets in encrypted form, and reading one means opening them. So nothing that they
    open is in this role's reach: no database, no secret beside, no object but states, no other
    role. Its jobs run outside the cells' networks. Writing locks is all that it may: Pulumi takes
    one even to look.
    """
    states = f"arn:aws:s3:::{state_bucket(organization)}"
    aliases = (state_key_alias(organization), ledger_key_alias)
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
            "Sid": "LockStates",
            "Effect": "Allow",
            "Action": ["s3:DeleteObject", "s3:PutObject"],
            "Resource": f"{states}/.pulumi/locks/*",
        },
        {
            "Sid": "OpenStatesAndPlacements",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": f"arn:aws:kms:*:{organization.accounts.management}:key/*",
            "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": list(aliases)}},
        },
        *no_secrets(*aliases),
        {
            "Sid": "NoObjectsButStates",
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectTorrent", "s3:GetObjectVersion"],
            "NotResource": f"{states}/.pulumi/*",
        },
    ]
