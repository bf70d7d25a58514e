"""Where Pulumi's state lives when it is kept in S3: made by hand before the first stack exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.organization import Organization


def state_bucket(organization: Organization) -> str:
    """The bucket of the states, in the management account."""
    return f"{organization.name}-pulumi-state"


def state_key_alias(organization: Organization) -> str:
    """The alias of the key that encrypts the states' secrets, in the management account."""
    return f"alias/{organization.name}-pulumi-state"
