"""GitHub's environments: the doors through which a job gets an identity in the cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_github as github

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.organization import Repository

MOST_REVIEWERS = 6
"""Teams that GitHub takes for one environment.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments
"""


@dataclass(frozen=True)
class Door:
    """Who must let a job into an environment; it comes from the default branch alone."""

    reviewers: tuple[str, ...] = ()
    """Groups, any one of which lets a job in; nobody asks where there is none."""


class Environments(pulumi.ComponentResource):
    """The environments; nobody lets in a job of their own, and administrators are no exception."""

    def __init__(
        self,
        name: str,
        *,
        doors: Mapping[str, Door],
        repository: Repository,
        repository_name: pulumi.Input[str],
        teams: Mapping[str, pulumi.Input[int]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:github:Environments", name, None, opts)
        crowded = [each for each, door in doors.items() if len(door.reviewers) > MOST_REVIEWERS]
        if crowded:
            raise ValueError(
                f"at most {MOST_REVIEWERS} teams can review an environment; more were given for "
                f"{', '.join(crowded)}"
            )
        child = pulumi.ResourceOptions(parent=self)
        for environment, door in doors.items():
            reviewers = [teams[group] for group in door.reviewers]
            declared = github.RepositoryEnvironment(
                f"{name}-{environment}",
                environment=environment,
                repository=repository_name,
                can_admins_bypass=False,
                prevent_self_review=bool(reviewers),
                reviewers=[github.RepositoryEnvironmentReviewerArgs(teams=reviewers)]
                if reviewers
                else None,
                deployment_branch_policy=github.RepositoryEnvironmentDeploymentBranchPolicyArgs(
                    protected_branches=False, custom_branch_policies=True
                ),
                opts=child,
            )
            github.RepositoryEnvironmentDeploymentPolicy(
                f"{name}-{environment}-branch",
                repository=repository_name,
                environment=declared.environment,
                branch_pattern=repository.default_branch,
                opts=child,
            )
        self.register_outputs({})
