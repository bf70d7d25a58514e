"""What CI may read while it previews: settings, placements, and states, but nothing they open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.looking_rights import looking_statements
from components.aws.shared_role import shared_role_arn

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from catalog.organization import Organization
    from components.aws.policy_document import Statement

CHARTS = "charts/*"
"""The registry's repositories that hold charts: a preview renders them."""


def preview_statements(
    organization: Organization, *, ledger_table_arn: pulumi.Input[str], ledger_key_alias: str
) -> Sequence[Statement]:
    """The preview role's policy: it writes nothing, not even a lock, which no preview takes.

    It opens states, as Pulumi can't preview a stack otherwise. So it is had in one environment
    alone, by jobs that run merged code over what a pull request has in its catalog.
    """
    return [
        *looking_statements(
            organization,
            ledger_table_arn=ledger_table_arn,
            ledger_key_alias=ledger_key_alias,
            roles=[shared_role_arn(organization, LOOK_AT_DNS)],
        ),
        {
            "Sid": "LookAtTheZone",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": shared_role_arn(organization, LOOK_AT_DNS),
        },
        {
            "Sid": "LogInToTheRegistry",
            "Effect": "Allow",
            "Action": "ecr:GetAuthorizationToken",
            "Resource": "*",
        },
        {
            "Sid": "PullCharts",
            "Effect": "Allow",
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Resource": f"arn:aws:ecr:{organization.home_region}"
            f":{organization.accounts.management}:repository/{CHARTS}",
        },
    ]


LOOK_AT_DNS = "dns-look"
"""The shared role that stands in for the one which writes the public zone's records."""
