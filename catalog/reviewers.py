"""Which of the organization's groups must look at which change; it follows from their duties."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.base import Environment
    from catalog.organization import Duty, Organization


def operators(organization: Organization, environment: Environment = "prod") -> tuple[str, ...]:
    """The groups that operate an environment: they approve what reaches it, and moves in it."""
    return _with_duty(organization, "operator", environment)


def security(organization: Organization) -> tuple[str, ...]:
    """The groups that audit: they approve what guards everything else."""
    return _with_duty(organization, "auditor", "prod")


def owners(organization: Organization) -> tuple[str, ...]:
    """The groups that own code, as far as all of it is theirs to look at: CODEOWNERS names them."""
    return tuple(dict.fromkeys((*operators(organization), *security(organization))))


def testers(organization: Organization) -> tuple[str, ...]:
    """The groups that try a change by hand in staging before production gets it."""
    return _with_duty(organization, "developer", "staging")


def _with_duty(organization: Organization, duty: Duty, environment: Environment) -> tuple[str, ...]:
    return tuple(
        name
        for name, group in organization.groups.items()
        if duty in group.duties and environment in group.environments
    )
