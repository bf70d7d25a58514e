"""The proof that pull requests reach nothing holds of what ships, and notices what breaks it."""

import json
from dataclasses import replace

import pytest

from catalog.load import find_root, load
from planning.access.proof import Claim, prove
from planning.access.proof_parts import gather
from rehearsal.evaluation import Evaluation
from rehearsal.graph import Graph, Resource
from rehearsal.values import Secret

PINNED, PROTECTED, REVIEWED, CHANGES, SECRETS, FURTHER, LET_IN, PREVIEWS, READ = range(9)


@pytest.fixture(scope="module")
def graphs() -> list[Graph]:
    evaluation = Evaluation(load(find_root()))
    return [evaluation.evaluate(stack) for stack in ("organization", "cell.dev-eu-west-1")]


def proof(graphs) -> list[Claim]:
    return prove([gather(graph) for graph in graphs])


def failing(graphs) -> list[int]:
    return [number for number, claim in enumerate(proof(graphs)) if not claim.holds]


def changed(graphs, name, **inputs):
    """The organization with other inputs of one resource; None leaves an input out."""
    organization, *others = graphs
    resource = organization.named(name)
    given = {key: each for key, each in (resource.inputs | inputs).items() if each is not None}
    return [with_resource(organization, replace(resource, inputs=given)), *others]


def with_resource(graph: Graph, resource: Resource) -> Graph:
    return replace(graph, resources={**graph.resources, resource.urn: resource})


def trust(graphs, name, condition):
    document = json.loads(graphs[0].named(name).inputs["assumeRolePolicy"])
    document["Statement"][0]["Condition"] = condition
    return changed(graphs, name, assumeRolePolicy=json.dumps(document))


def policy(graphs, name, *more, without=()):
    document = json.loads(graphs[0].named(name).inputs["policy"])
    kept = [each for each in document["Statement"] if each["Sid"] not in without]
    return changed(graphs, name, policy=json.dumps(document | {"Statement": [*kept, *more]}))


def subject(value, operator="StringEquals"):
    issuer = "token.actions.githubusercontent.com"
    return {
        "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"},
        operator: {f"{issuer}:sub": value}
        | ({f"{issuer}:aud": "sts.amazonaws.com"} if operator == "StringEquals" else {}),
    }


OURS = "repo:halyard-integrations/platform"


def test_every_claim_holds_of_what_ships_and_names_its_documents(graphs):
    claims = proof(graphs)
    assert [claim.text for claim in claims if not claim.holds] == []
    assert all(claim.evidence for claim in claims)
    assert any("halyard-ci-deploy-prod" in line for line in claims[PROTECTED].evidence)
    assert "none of " in claims[CHANGES].evidence[0]
    assert any("prod-preview-role" in line for line in claims[PREVIEWS].evidence)
    assert any("halyard-ci-preview" in line for line in claims[PROTECTED].evidence)


@pytest.mark.parametrize(
    "condition",
    [
        subject(f"{OURS}:*", "StringLike"),
        subject("repo:stranger/platform:environment:prod"),
        subject(f"{OURS}-evil:environment:prod"),
        {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}},
        {"StringEquals": {"token.actions.githubusercontent.com:sub": f"{OURS}:environment:prod"}},
    ],
)
def test_a_trust_that_is_not_pinned_is_noticed(graphs, condition):
    broken = proof(trust(graphs, "prod-deploy-role", condition))[PINNED]
    assert not broken.holds
    assert "halyard-ci-deploy-prod" in broken.against[0]


def test_a_deploy_role_that_a_pull_request_may_take_is_noticed(graphs):
    broken = trust(graphs, "prod-deploy-role", subject(f"{OURS}:pull_request"))
    assert {PROTECTED, CHANGES, SECRETS} <= set(failing(broken))
    assert "halyard-ci-deploy-prod" in proof(broken)[CHANGES].against[0]


def test_an_environment_that_any_branch_may_enter_is_noticed(graphs):
    broken = changed(graphs, "environments-prod", deploymentBranchPolicy=None)
    assert {PROTECTED, CHANGES} <= set(failing(broken))
    assert failing(changed(graphs, "environments-prod-branch", branchPattern="*")) != []
    assert PROTECTED in failing(changed(graphs, "environments-prod", canAdminsBypass=True))


def test_production_without_a_reviewer_is_noticed(graphs):
    assert failing(changed(graphs, "environments-prod", reviewers=None)) == [REVIEWED]
    assert failing(changed(graphs, "environments-prod", reviewers=[])) == [REVIEWED]


def test_a_preview_that_may_write_is_noticed(graphs):
    write = {"Sid": "W", "Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}
    broken = policy(graphs, "prod-preview-policy", write)
    assert failing(broken) == [PREVIEWS]
    assert "ec2:RunInstances" in proof(broken)[PREVIEWS].against[0]


def test_a_preview_that_opens_any_key_is_noticed(graphs):
    key = {"Sid": "K", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
    assert failing(policy(graphs, "prod-preview-policy", key)) == [PREVIEWS]


def test_a_preview_that_a_pull_request_may_take_is_noticed(graphs):
    """It reads states, and what it changes or opens beside is a pull request's then."""
    broken = trust(graphs, "prod-preview-role", subject(f"{OURS}:pull_request"))
    assert {PROTECTED, SECRETS} <= set(failing(broken))
    assert "s3:GetObject" in proof(broken)[SECRETS].against[0]


def test_previews_that_any_branch_may_enter_or_nobody_looks_at_are_noticed(graphs):
    anywhere = changed(graphs, "environments-preview", deploymentBranchPolicy=None)
    assert {PROTECTED, SECRETS} <= set(failing(anywhere))
    unseen = changed(graphs, "environments-preview", reviewers=None)
    assert failing(unseen) == [REVIEWED]


def test_a_preview_that_leads_to_a_role_which_changes_something_is_noticed(graphs):
    statement = json.loads(graphs[0].named("shared-dns-look-role").inputs["assumeRolePolicy"])
    broken = changed(graphs, "shared-dns-role", assumeRolePolicy=json.dumps(statement))
    take = {"Sid": "T", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    assert failing(broken) == []
    broken = policy(broken, "prod-preview-policy", take, without=("NoOtherRole",))
    assert failing(broken) == [PREVIEWS]
    assert "halyard-shared-dns," in proof(broken)[PREVIEWS].against[0]


def test_a_way_from_a_pull_request_to_another_role_is_noticed(graphs):
    take = {"Sid": "T", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    broken = policy(graphs, "dev-preview-policy", take, without=("NoOtherRole",))
    broken = trust(broken, "dev-preview-role", subject(f"{OURS}:pull_request"))
    account = graphs[0].named("dev-preview-role").outputs["arn"].split(":")[4]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "sts:AssumeRole",
    }
    open_role = changed(
        broken, "dev-deploy-role", assumeRolePolicy=json.dumps({"Statement": [statement]})
    )
    claim = proof(open_role)[FURTHER]
    assert not claim.holds
    assert "halyard-ci-deploy-dev" in claim.against[0]


def test_a_cluster_that_lets_a_pull_request_in_is_noticed(graphs):
    organization, cell = trust(graphs, "dev-preview-role", subject(f"{OURS}:pull_request"))
    entry = cell.of_type("aws:eks/accessEntry:AccessEntry")[0]
    arn = organization.named("dev-preview-role").outputs["arn"]
    let_in = replace(entry, urn=f"{entry.urn}-more", inputs={**entry.inputs, "principalArn": arn})
    assert LET_IN in failing([organization, with_resource(cell, let_in)])


def test_a_document_that_cannot_be_read_is_noticed(graphs):
    assert READ in failing(changed(graphs, "dev-preview-policy", policy=Secret("x")))
