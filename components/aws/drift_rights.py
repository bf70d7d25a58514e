"""What CI may do while it looks, unattended, whether production is as it was brought up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.looking_rights import looking_statements
from components.aws.state import state_bucket

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from catalog.organization import Organization
    from components.aws.policy_document import Statement


def drift_statements(
    organization: Organization, *, ledger_table_arn: pulumi.Input[str], ledger_key_alias: str
) -> Sequence[Statement]:
    """The drift role's policy: it reads settings, placements and states, and changes nothing.

    Its jobs run outside the cells' networks. Writing locks is all that it may: a refresh takes one
    even to look.
    """
    return [
        *looking_statements(
            organization,
            ledger_table_arn=ledger_table_arn,
            ledger_key_alias=ledger_key_alias,
            # A lock is written to the bucket, under its own encryption.
            key_actions=("kms:Decrypt", "kms:GenerateDataKey"),
        ),
        {
            "Sid": "LockStates",
            "Effect": "Allow",
            "Action": ["s3:DeleteObject", "s3:PutObject"],
            "Resource": f"arn:aws:s3:::{state_bucket(organization)}/.pulumi/locks/*",
        },
    ]
