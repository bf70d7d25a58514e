"""How a change is reviewed and let into each environment, as the organization's stack has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from catalog.reviewers import operators, owners, testers
from components.aws.ci_roles import DRIFT_ENVIRONMENT, PREVIEW_ENVIRONMENT
from components.github.environments import Door, Environments
from components.github.repository import PlatformRepository
from components.github.review_rules import ReviewRules
from components.github.teams import Teams
from stacks.providers import github_provider

if TYPE_CHECKING:
    from catalog.catalog import Catalog
    from catalog.organization import Organization

HANDS_ON_QA = "hands-on-qa"
"""Where testers say that they have tried a change in staging; it gives a job no identity."""

TENANT_MOVES = "tenant-moves"
"""Where operators let a tenant move: GitHub's code owners can't tell a placement from the rest."""


def declare_reviews(catalog: Catalog) -> None:
    """The repository, its teams, its review rules and its environments."""
    organization = catalog.organization
    provider = github_provider("github", owner=organization.repository.owner)
    opts = pulumi.ResourceOptions(providers={"github": provider})
    repository = PlatformRepository("platform", organization=organization, opts=opts)
    teams = Teams(
        "teams",
        organization=organization,
        repository=repository.repository_name,
        opts=opts,
    )
    ReviewRules("review-rules", repository=repository.repository_name, opts=opts)
    Environments(
        "environments",
        doors=doors(organization),
        repository=organization.repository,
        repository_name=repository.repository_name,
        teams=teams.ids,
        opts=opts,
    )


def doors(organization: Organization) -> dict[str, Door]:
    """Every environment of the repository."""
    return {
        # It opens states, for merged code that looks at what a pull request has in its catalog.
        PREVIEW_ENVIRONMENT: Door(reviewers=owners(organization)),
        "dev": Door(),
        "staging": Door(),
        # It lets a job look at production that can change nothing there, and reach no database.
        DRIFT_ENVIRONMENT: Door(),
        HANDS_ON_QA: Door(reviewers=testers(organization)),
        "prod": Door(reviewers=operators(organization)),
        TENANT_MOVES: Door(reviewers=operators(organization)),
    }
