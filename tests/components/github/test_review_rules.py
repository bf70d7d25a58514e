"""How changes are reviewed, read off the graph of the shipped organization."""

import pulumi
import pulumi_github
import pytest

from catalog.load import find_root, load
from components.github.environments import MOST_REVIEWERS, Door, Environments
from components.github.required_checks import REQUIRED_CHECKS
from rehearsal.evaluation import evaluate, evaluate_program

RULESET = "github:index/repositoryRuleset:RepositoryRuleset"
ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
BRANCHES = (
    "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
)
ENVIRONMENTS = {"dev", "staging", "drift", "hands-on-qa", "preview", "prod", "tenant-moves"}


@pytest.fixture(scope="module")
def catalog():
    return load(find_root())


@pytest.fixture(scope="module")
def graph(catalog):
    return evaluate(catalog, "organization")


@pytest.fixture(scope="module")
def rules(graph):
    return graph.named("review-rules-default-branch", RULESET).inputs["rules"]


def environments(graph):
    return {each.inputs["environment"]: each.inputs for each in graph.of_type(ENVIRONMENT)}


def test_two_people_approve_one_of_them_an_owner_and_none_who_pushed_last(rules):
    asked = rules["pullRequest"]
    assert asked["requiredApprovingReviewCount"] == 2
    assert asked["requireCodeOwnerReview"]
    assert asked["requireLastPushApproval"]
    assert asked["dismissStaleReviewsOnPush"]


def test_history_is_linear_signed_and_never_rewritten(rules):
    assert rules["requiredLinearHistory"]
    assert rules["requiredSignatures"]
    assert rules["nonFastForward"]
    assert rules["deletion"]


def test_tags_of_releases_and_of_evidence_are_never_moved(graph):
    (tags,) = [each for each in graph.of_type(RULESET) if each.inputs["target"] == "tag"]
    included = tags.inputs["conditions"]["refName"]["includes"]
    assert included == ["refs/tags/v*", "refs/tags/evidence-*"]


def test_nobody_may_bypass_a_ruleset(graph):
    rulesets = graph.of_type(RULESET)
    assert {each.inputs["target"] for each in rulesets} == {"branch", "tag"}
    for each in rulesets:
        assert not each.inputs.get("bypassActors")
        assert each.inputs["enforcement"] == "active"


def test_the_required_checks_count_only_from_github_actions_and_on_the_latest_state(rules):
    checks = rules["requiredStatusChecks"]
    assert checks["strictRequiredStatusChecksPolicy"]
    assert [each["context"] for each in checks["requiredChecks"]] == list(REQUIRED_CHECKS)
    assert all(each["integrationId"] for each in checks["requiredChecks"])


def test_only_the_default_branch_reaches_an_environment_that_deploys(graph):
    branches = {each.inputs["environment"]: each.inputs for each in graph.of_type(BRANCHES)}
    assert branches.keys() == environments(graph).keys() == ENVIRONMENTS
    assert {each["branchPattern"] for each in branches.values()} == {"main"}
    for name in branches:
        assert environments(graph)[name]["deploymentBranchPolicy"] == {
            "customBranchPolicies": True,
            "protectedBranches": False,
        }


@pytest.mark.parametrize(
    ("environment", "groups"),
    [
        ("prod", ["platform"]),
        ("preview", ["platform", "security"]),
        ("tenant-moves", ["platform"]),
        ("hands-on-qa", ["platform", "integrations"]),
    ],
)
def test_people_of_the_right_duty_let_a_job_in_and_never_their_own(graph, environment, groups):
    door = environments(graph)[environment]
    assert door["reviewers"] == [{"teams": [f"<Team teams-{group}.id>" for group in groups]}]
    assert door["preventSelfReview"]
    assert door["canAdminsBypass"] is False


def test_secrets_are_found_before_they_are_pushed(graph):
    (repository,) = graph.of_type("github:index/repository:Repository")
    assert repository.inputs["securityAndAnalysis"] == {
        "secretScanning": {"status": "enabled"},
        "secretScanningPushProtection": {"status": "enabled"},
    }
    assert repository.protect
    assert repository.retain_on_delete


def test_workflows_may_only_read_and_run_nothing_that_can_be_moved(graph):
    (token,) = graph.of_type(
        "github:index/workflowRepositoryPermissions:WorkflowRepositoryPermissions"
    )
    (actions,) = graph.of_type(
        "github:index/actionsRepositoryPermissions:ActionsRepositoryPermissions"
    )
    assert token.inputs["defaultWorkflowPermissions"] == "read"
    assert token.inputs["canApprovePullRequestReviews"] is False
    assert actions.inputs["shaPinningRequired"]
    assert actions.inputs["allowedActions"] == "selected"


def test_more_reviewers_than_github_takes_are_refused(catalog):
    groups = tuple(f"group-{number}" for number in range(MOST_REVIEWERS + 1))

    def program():
        Environments(
            "environments",
            doors={"prod": Door(reviewers=groups)},
            repository=catalog.organization.repository,
            repository_name="platform",
            teams=dict.fromkeys(groups, 1),
            opts=pulumi.ResourceOptions(
                providers={"github": pulumi_github.Provider("github", owner="acme")}
            ),
        )
        return {}

    with pytest.raises(Exception, match="at most 6 teams can review an environment"):
        evaluate_program(program, stack="organization")
