"""The repository that holds the platform, and what may run and be pushed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_github as github

if TYPE_CHECKING:
    from catalog.organization import Organization

ENABLED = "enabled"


class PlatformRepository(pulumi.ComponentResource):
    """The repository's settings: one way to merge, secrets found before they are pushed.

    It exists before it can declare itself, and is imported once. It holds the platform's source,
    so it is protected, and archived rather than deleted.
    """

    repository_name: pulumi.Output[str]

    def __init__(
        self, name: str, *, organization: Organization, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("patchworks:github:PlatformRepository", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        repository = github.Repository(
            f"{name}-repository",
            name=organization.repository.name,
            description=f"The platform of {organization.display_name}, as code",
            visibility="private",
            has_issues=True,
            has_projects=False,
            has_wiki=False,
            # Linear history, and a message that the reviewers have read.
            allow_merge_commit=False,
            allow_rebase_merge=False,
            allow_squash_merge=True,
            squash_merge_commit_title="PR_TITLE",
            squash_merge_commit_message="PR_BODY",
            allow_auto_merge=False,
            allow_update_branch=True,
            delete_branch_on_merge=True,
            archive_on_destroy=True,
            security_and_analysis=github.RepositorySecurityAndAnalysisArgs(
                secret_scanning=github.RepositorySecurityAndAnalysisSecretScanningArgs(
                    status=ENABLED
                ),
                secret_scanning_push_protection=(
                    github.RepositorySecurityAndAnalysisSecretScanningPushProtectionArgs(
                        status=ENABLED
                    )
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )
        github.RepositoryVulnerabilityAlerts(
            f"{name}-alerts", repository=repository.name, enabled=True, opts=child
        )
        github.RepositoryDependabotSecurityUpdates(
            f"{name}-updates", repository=repository.name, enabled=True, opts=child
        )
        github.IssueLabel(
            f"{name}-{PREVIEW_LABEL}-label",
            repository=repository.name,
            name=PREVIEW_LABEL,
            color="1d76db",
            description="Asks what a change of the catalog would do to what exists",
            opts=child,
        )
        github.ActionsRepositoryPermissions(
            f"{name}-actions",
            repository=repository.name,
            enabled=True,
            allowed_actions="selected",
            allowed_actions_config=github.ActionsRepositoryPermissionsAllowedActionsConfigArgs(
                github_owned_allowed=True, verified_allowed=False, patterns_alloweds=ALLOWED_ACTIONS
            ),
            # A tag can be moved; a commit can't.
            sha_pinning_required=True,
            opts=child,
        )
        github.WorkflowRepositoryPermissions(
            f"{name}-token",
            repository=repository.name,
            default_workflow_permissions="read",
            # A workflow that approves its own pull request would be a reviewer nobody chose.
            can_approve_pull_request_reviews=False,
            opts=child,
        )
        self.repository_name = repository.name
        self.register_outputs({"repository_name": self.repository_name})


PREVIEW_LABEL = "preview"
"""The label by which a code owner asks for a preview of a pull request."""

ALLOWED_ACTIONS = ["aws-actions/configure-aws-credentials@*", "pulumi/actions@*"]
"""Actions of others that workflows may use, besides GitHub's own."""
