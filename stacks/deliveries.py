"""Where deliveries are recorded: the organization's table of them, by name and ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.organization import Organization


def deliveries_table_name(organization: str) -> str:
    """The table of deliveries."""
    return f"{organization}-deliveries"


def deliveries_table_arn(organization: Organization) -> str:
    """The table by its ARN: deploy roles reach it from their environment's account."""
    return (
        f"arn:aws:dynamodb:{organization.home_region}:{organization.accounts.management}"
        f":table/{deliveries_table_name(organization.name)}"
    )
