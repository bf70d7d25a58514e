"""`patchworks access`, run as a person runs it."""

import json

import pytest


@pytest.fixture
def small_catalog(catalog_copy):
    """One tenant in one cell."""
    for directory, kept in (("cells", "dev-eu-west-1"), ("tenants", "sandbox")):
        for file in (catalog_copy / directory).iterdir():
            if file.stem != kept:
                file.unlink()
    return catalog_copy


def test_explain_shows_the_least_policy_and_why_each_action_is_in_it(patchworks, small_catalog):
    told = patchworks("access", "explain", "--stack", "tenant.sandbox", "--catalog", small_catalog)
    assert told.returncode == 0, told.stderr
    assert "What tenant.sandbox needs of halyard-ci-deploy-dev" in told.stdout
    assert "Missing  none" in told.stdout
    line = next(each for each in told.stdout.splitlines() if each.startswith("s3:CreateBucket"))
    assert "arn:aws:s3:::halyard-dev-eu-west-1-sandbox" in line
    assert "aws:s3/bucket:Bucket (create)" in line
    assert "Least policy of halyard-shared-dns" in told.stdout


def test_explain_prints_policies_that_iam_takes(patchworks, small_catalog):
    told = patchworks(
        "access", "explain", "--stack", "tenant.sandbox", "--catalog", small_catalog, "--json"
    )
    document = json.loads(told.stdout)
    policy = document["policies"]["halyard-ci-deploy-dev"]
    assert policy["Version"] == "2012-10-17"
    allowed = {action for each in policy["Statement"] for action in each["Action"]}
    assert {"iam:CreateRole", "kms:CreateKey", "wafv2:CreateWebACL"} <= allowed
    assert all(
        each["Condition"] == {"StringEquals": {"aws:RequestedRegion": ["eu-west-1"]}}
        for each in policy["Statement"]
        if each["Resource"] == "*" and not each["Action"][0].startswith(("iam:", "sts:"))
    )
    assert all(need["granted"] for need in document["needs"])


@pytest.mark.parametrize(
    ("stack", "reason"),
    [("tenant.nobody", "there is no stack"), ("organization", "has no deploy role")],
)
def test_explain_refuses_a_stack_that_no_role_deploys(patchworks, stack, reason):
    told = patchworks("access", "explain", "--stack", stack)
    assert told.returncode == 2
    assert reason in " ".join(told.stderr.split())
    assert "Traceback" not in told.stderr


def test_prove_says_what_is_proven_and_by_which_documents(patchworks, small_catalog):
    told = patchworks("access", "prove", "--catalog", small_catalog)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "NOT SO" not in told.stdout
    assert "proven  The roles that a pull request's job may take change nothing" in told.stdout
    assert "by: halyard-ci-deploy-prod in 123456789012: prod lets in main alone" in told.stdout
    assert "9 of 9 claims hold" in told.stdout


def test_prove_for_programs_is_json(patchworks, small_catalog):
    told = patchworks("access", "prove", "--catalog", small_catalog, "--json")
    claims = json.loads(told.stdout)
    assert [claim["holds"] for claim in claims] == [True] * 9
    assert all(claim["evidence"] and not claim["against"] for claim in claims)
