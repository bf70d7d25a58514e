"""CI's identities, read off the graph."""

import fnmatch
import re

import pulumi
import pytest
from foundations import document, evaluate, provider, statements
from identities import (
    DEV,
    MANAGEMENT,
    ORGANIZATION,
    PROD,
    STAGING,
    allowed_actions,
    listed,
)

from components.aws.boundaries import Boundaries
from components.aws.ci_roles import DeployRole, DriftRole, PreviewRole
from components.aws.github_oidc import GithubOidc
from rehearsal.evaluation import evaluate_program

ISSUER = "token.actions.githubusercontent.com"
OIDC = f"arn:aws:iam::{PROD}:oidc-provider/{ISSUER}"
BOUNDARY = f"arn:aws:iam::{PROD}:policy/acme-ci-boundary"
LEDGER = f"arn:aws:dynamodb:eu-west-1:{MANAGEMENT}:table/acme-placements"
DELIVERIES = f"arn:aws:dynamodb:eu-west-1:{MANAGEMENT}:table/acme-deliveries"
SHARED = f"arn:aws:iam::{MANAGEMENT}:role/acme-shared-dns"
ACCOUNTS = {"dev": DEV, "staging": STAGING, "prod": PROD}


def program():
    opts = pulumi.ResourceOptions(providers={"aws": provider()})
    GithubOidc("github", opts=opts)
    PreviewRole(
        "preview",
        organization=ORGANIZATION,
        ledger_table_arn=LEDGER,
        ledger_key_alias="alias/acme-ledger",
        oidc_provider_arn=OIDC,
        boundary_arn=BOUNDARY,
        opts=opts,
    )
    DriftRole(
        "drift",
        organization=ORGANIZATION,
        ledger_table_arn=LEDGER,
        ledger_key_alias="alias/acme-ledger",
        oidc_provider_arn=OIDC,
        boundary_arn=BOUNDARY,
        opts=opts,
    )
    for environment in ACCOUNTS:
        DeployRole(
            environment,
            organization=ORGANIZATION,
            environment=environment,
            regions=("eu-central-1", "eu-west-3"),
            shared_roles=(SHARED,),
            ledger_table_arn=LEDGER,
            deliveries_table_arn=DELIVERIES,
            ledger_key_alias="alias/acme-ledger",
            oidc_provider_arn=OIDC,
            boundary_arn=BOUNDARY,
            opts=opts,
        )
    return {}


@pytest.fixture(scope="module")
def graph():
    return evaluate_program(program)


def trust(graph, name):
    (statement,) = document(graph.named(f"{name}-role"), "assumeRolePolicy")["Statement"]
    return statement


def test_github_is_the_only_issuer_and_its_tokens_are_for_sts(graph):
    found = graph.named("github-provider")
    assert found.inputs["url"] == f"https://{ISSUER}"
    assert found.inputs["clientIdLists"] == ["sts.amazonaws.com"]


@pytest.mark.parametrize("environment", ACCOUNTS)
def test_a_deploy_role_opens_to_its_protected_environment_only(graph, environment):
    statement = trust(graph, environment)
    assert statement["Principal"] == {"Federated": OIDC}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": [f"repo:acme/platform:environment:{environment}"],
        }
    }


def test_the_preview_role_opens_to_its_environment_only(graph):
    assert trust(graph, "preview")["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": ["repo:acme/platform:environment:preview"],
        }
    }


def test_no_role_opens_to_a_pull_request(graph):
    for role in graph.of_type("aws:iam/role:Role"):
        assert "pull_request" not in role.inputs["assumeRolePolicy"]


def test_every_ci_role_is_bounded_and_lasts_an_hour(graph):
    roles = graph.of_type("aws:iam/role:Role")
    assert len(roles) == 5
    for role in roles:
        assert role.inputs["permissionsBoundary"] == BOUNDARY
        assert role.inputs["maxSessionDuration"] == 3600


SECRET_READS = (
    "dynamodb:BatchGetItem",
    "ecr:GetAuthorizationToken",
    "kms:Decrypt",
    "lambda:GetFunction",
    "logs:GetLogEvents",
    "rds-db:connect",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParametersByPath",
    "sts:AssumeRole",
)


LOOKING = ("preview", "drift")


@pytest.mark.parametrize("action", SECRET_READS)
@pytest.mark.parametrize("role", LOOKING)
def test_a_role_that_looks_reads_nothing_secret_but_states(graph, role, action):
    for statement in statements(graph.named(f"{role}-policy")).values():
        if statement["Sid"] == "LogInToTheRegistry":
            continue
        if statement["Effect"] == "Allow" and statement["Resource"] == "*":
            for pattern in listed(statement["Action"]):
                assert not fnmatch.fnmatchcase(action.lower(), pattern.lower()), pattern


def writing(graph, role):
    """What a role may do that is no reading, and on what."""
    return {
        (action, str(statement["Resource"]))
        for statement in statements(graph.named(f"{role}-policy")).values()
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
        if not re.match(r"[\w-]+:(Batch|Describe|Get|List|Decrypt|Query|Scan)", action)
    }


def test_the_preview_role_writes_nothing_and_takes_a_role_that_looks_at_the_zone(graph):
    look = f"arn:aws:iam::{MANAGEMENT}:role/acme-shared-dns-look"
    assert writing(graph, "preview") == {("sts:AssumeRole", look)}
    denied = statements(graph.named("preview-policy"))["NoOtherRole"]
    assert (denied["Effect"], denied["NotResource"]) == ("Deny", [look])
    assert statements(graph.named("drift-policy"))["NoOtherRole"]["Resource"] == "*"


@pytest.mark.parametrize("role", LOOKING)
def test_what_states_would_open_is_denied_to_a_role_that_looks(graph, role):
    found = statements(graph.named(f"{role}-policy"))
    assert found["NoSecrets"]["Resource"] == "*"
    assert {
        "rds-db:connect",
        "secretsmanager:BatchGetSecretValue",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
    } <= set(found["NoSecrets"]["Action"])
    assert found["NoObjectsButStates"]["NotResource"].endswith("-pulumi-state/.pulumi/*")
    assert found["NoOtherKey"]["Action"] == ["kms:Decrypt", "kms:ReEncryptFrom"]
    assert found["NoOtherKey"]["Condition"] == {
        "ForAllValues:StringNotEquals": {
            "kms:ResourceAliases": ["alias/acme-pulumi-state", "alias/acme-ledger"]
        }
    }


@pytest.mark.parametrize("role", LOOKING)
def test_a_role_that_looks_reads_no_table_but_the_ledger(graph, role):
    found = statements(graph.named(f"{role}-policy"))
    reading = [s for s in found.values() if "dynamodb:Scan" in listed(s["Action"])]
    assert [(s["Effect"], s["Resource"]) for s in reading] == [("Allow", LEDGER)]


def test_the_drift_role_opens_to_its_environment_only(graph):
    subjects = trust(graph, "drift")["Condition"]["StringEquals"][f"{ISSUER}:sub"]
    assert subjects == ["repo:acme/platform:environment:drift"]


def test_the_drift_role_writes_locks_of_states_and_nothing_else(graph):
    locks = "arn:aws:s3:::acme-pulumi-state/.pulumi/locks/*"
    assert writing(graph, "drift") == {
        ("s3:PutObject", locks),
        ("s3:DeleteObject", locks),
        ("kms:GenerateDataKey", f"arn:aws:kms:*:{MANAGEMENT}:key/*"),
    }


@pytest.mark.parametrize("environment", ACCOUNTS)
def test_a_deploy_role_works_in_its_environments_regions_only(graph, environment):
    found = statements(graph.named(f"{environment}-policy"))
    assert found["DeclareCellsAndTenants"]["Condition"] == {
        "StringEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-3"]}
    }


@pytest.mark.parametrize(("environment", "account"), ACCOUNTS.items())
def test_a_deploy_role_touches_the_roles_buckets_and_secrets_of_its_environment_only(
    graph, environment, account
):
    found = statements(graph.named(f"{environment}-policy"))
    for resource in listed(found["DeclareRoles"]["Resource"]):
        assert resource.startswith(f"arn:aws:iam::{account}:")
        name = resource.partition("/")[2]
        assert name == f"acme-{environment}-*"
    for resource in listed(found["DeclareBuckets"]["Resource"]):
        assert resource.startswith(f"arn:aws:s3:::acme-{environment}-")
    assert found["DeclareSecrets"]["Resource"].endswith(f":{account}:secret:{environment}-*")
    assert found["UseSharedRoles"]["Resource"] == [SHARED]


@pytest.mark.parametrize(("environment", "account"), ACCOUNTS.items())
def test_a_deploy_role_hands_roles_to_named_services_only_and_never_cis_own(
    graph, environment, account
):
    found = statements(graph.named(f"{environment}-policy"))
    passing = found["HandRolesToServices"]
    assert passing["Resource"] == f"arn:aws:iam::{account}:role/acme-{environment}-*"
    assert all("*" not in s for s in passing["Condition"]["StringEquals"]["iam:PassedToService"])
    assert found["HandNoCiRoleToAnything"]["Effect"] == "Deny"
    assert found["HandNoCiRoleToAnything"]["Resource"] == f"arn:aws:iam::{account}:role/acme-ci-*"


@pytest.mark.parametrize("environment", ACCOUNTS)
def test_a_deploy_role_sets_placements_and_deletes_none(graph, environment):
    found = statements(graph.named(f"{environment}-policy"))
    assert found["ReadAndSetPlacements"]["Resource"] == LEDGER
    assert "dynamodb:UpdateItem" in found["ReadAndSetPlacements"]["Action"]
    assert not [a for a in allowed_actions(found.values()) if a.startswith("dynamodb:Delete")]
    assert found["SealStateAndPlacements"]["Condition"] == {
        "ForAnyValue:StringEquals": {
            "kms:ResourceAliases": ["alias/acme-pulumi-state", "alias/acme-ledger"]
        }
    }


def test_a_boundary_keeps_its_bearer_from_whoever_may_enter():
    graph = evaluate(
        lambda opts: Boundaries("prod", organization=ORGANIZATION, account=PROD, opts=opts)
    )
    for name in ("prod-people", "prod-ci"):
        found = statements(graph.named(name))
        assert "iam:CreateUser" in found["WhatOtherPoliciesGrant"]["NotAction"]
        assert "iam:CreateAccessKey" in found["NoLongLivedCredentials"]["Action"]
        assert "cloudtrail:StopLogging" in found["NoTamperingWithTheTrail"]["Action"]
        entries = found["NoChangeOfWhoMayEnter"]
        assert f"arn:aws:iam::{PROD}:role/acme-ci-*" in entries["Resource"]
        assert f"arn:aws:iam::{PROD}:role/OrganizationDeploy" in entries["Resource"]
        assert "iam:UpdateAssumeRolePolicy" in entries["Action"]
        assert "iam:CreateOpenIDConnectProvider" in found["NoOtherWayIn"]["Action"]
        guarded = found["NoWayPastTheBoundaries"]["Resource"]
        assert guarded == [
            f"arn:aws:iam::{PROD}:policy/acme-people-boundary",
            f"arn:aws:iam::{PROD}:policy/acme-ci-boundary",
        ]


def test_the_resources_are_the_same_before_anything_is_known(graph):
    assert set(evaluate_program(program, known=False).resources) == set(graph.resources)
