"""What stands before the default branch and before release tags, without a way around it."""

from __future__ import annotations

import pulumi
import pulumi_github as github

from components.github.required_checks import GITHUB_ACTIONS, REQUIRED_CHECKS

APPROVALS = 2
"""One of them by an owner of the code that changes."""

_CHECKS = github.RepositoryRulesetRulesRequiredStatusChecksArgs(
    # On the state that would be merged, not on an older one.
    strict_required_status_checks_policy=True,
    required_checks=[
        github.RepositoryRulesetRulesRequiredStatusChecksRequiredCheckArgs(
            context=name, integration_id=GITHUB_ACTIONS
        )
        for name in REQUIRED_CHECKS
    ],
)

_PULL_REQUEST = github.RepositoryRulesetRulesPullRequestArgs(
    required_approving_review_count=APPROVALS,
    require_code_owner_review=True,
    dismiss_stale_reviews_on_push=True,
    # Whoever pushes last can't be the one whose approval counts.
    require_last_push_approval=True,
    required_review_thread_resolution=True,
    allowed_merge_methods=["squash"],
)


class ReviewRules(pulumi.ComponentResource):
    """The rulesets; nobody is on the list of those who may bypass them, not even administrators."""

    def __init__(
        self,
        name: str,
        *,
        repository: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:github:ReviewRules", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        github.RepositoryRuleset(
            f"{name}-default-branch",
            name="default-branch",
            repository=repository,
            target="branch",
            enforcement="active",
            conditions=_refs("~DEFAULT_BRANCH"),
            rules=github.RepositoryRulesetRulesArgs(
                deletion=True,
                non_fast_forward=True,
                required_linear_history=True,
                required_signatures=True,
                pull_request=_PULL_REQUEST,
                required_status_checks=_CHECKS,
            ),
            opts=child,
        )
        github.RepositoryRuleset(
            f"{name}-release-tags",
            name="release-tags",
            repository=repository,
            target="tag",
            enforcement="active",
            conditions=_refs("refs/tags/v*", "refs/tags/evidence-*"),
            # Made once, by the release workflow or a person; never moved and never removed.
            rules=github.RepositoryRulesetRulesArgs(
                deletion=True, update=True, non_fast_forward=True, required_signatures=True
            ),
            opts=child,
        )
        self.register_outputs({})


def _refs(*included: str) -> github.RepositoryRulesetConditionsArgs:
    return github.RepositoryRulesetConditionsArgs(
        ref_name=github.RepositoryRulesetConditionsRefNameArgs(includes=list(included), excludes=[])
    )
