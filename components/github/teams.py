"""A GitHub team for each of the organization's groups, so that reviews name groups, not people."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pulumi
import pulumi_github as github

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.organization import Organization


class Teams(pulumi.ComponentResource):
    """The teams and their right to push branches; who is in them, the identity provider says.

    A code owner counts only if the team may write. Nobody writes to the default branch: the
    review rules stand before it.
    """

    ids: Mapping[str, pulumi.Output[int]]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        repository: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:github:Teams", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ids = {}
        for group in organization.groups:
            team = github.Team(
                f"{name}-{group}",
                name=group,
                description=f"{organization.display_name}: the group {group}",
                privacy="closed",
                # Whoever applies this is no member of every team.
                create_default_maintainer=False,
                opts=child,
            )
            github.TeamRepository(
                f"{name}-{group}-repository",
                team_id=team.id,
                repository=repository,
                permission="push",
                opts=child,
            )
            ids[group] = team.id.apply(_number)
        self.ids = ids
        self.register_outputs({"ids": self.ids})


def _number(identity: str) -> int:
    """A team's id as reviewers are named by: a number, which Pulumi's ids hold as text.

    Without GitHub an id is a placeholder that tells a reader which team it is, and stays one.
    """
    return int(identity) if identity.isdecimal() else cast("int", identity)
