"""People's access through IAM Identity Center, read off the graph."""

import re

import pytest
from foundations import assert_the_same_resources_without_known_outputs, evaluate, statements
from identities import AUDIT, CELL, DEV, ORGANIZATION, PROD, allowed_actions, denied_actions

from catalog import names
from components.aws.boundaries import Boundaries
from components.aws.guarded_actions import LONG_LIVED_CREDENTIALS, TAMPERING
from components.aws.people import DUTIES, People, assignments

HOURS = {"developer": 8, "operator": 4, "auditor": 8, "break-glass": 1}


def people(opts):
    boundaries = Boundaries("prod", organization=ORGANIZATION, account=PROD, opts=opts)
    return People(
        "people",
        organization=ORGANIZATION,
        boundaries=[boundaries],
        cells=[CELL],
        archive_bucket="acme-audit-archive",
        opts=opts,
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(people)


def inline(graph, duty):
    return statements(graph.named(f"people-{duty}-policy"), "inlinePolicy")


def test_there_is_one_permission_set_per_duty_with_its_session(graph):
    found = {
        resource.inputs["name"]: resource.inputs["sessionDuration"]
        for resource in graph.of_type("aws:ssoadmin/permissionSet:PermissionSet")
    }
    assert found == {duty: f"PT{hours}H" for duty, hours in HOURS.items()}


def test_every_permission_set_is_bounded(graph):
    bounded = graph.of_type(
        "aws:ssoadmin/permissionsBoundaryAttachment:PermissionsBoundaryAttachment"
    )
    assert len(bounded) == len(DUTIES)
    for attachment in bounded:
        reference = attachment.inputs["permissionsBoundary"]["customerManagedPolicyReference"]
        assert reference == {"name": "acme-people-boundary"}
        assert graph.named("prod-people").urn in attachment.dependencies


@pytest.mark.parametrize("duty", DUTIES)
def test_no_session_works_without_mfa(graph, duty):
    denial = inline(graph, duty)["NoSessionWithoutMfa"]
    assert denial["Effect"] == "Deny"
    assert denial["NotAction"] == ["sts:GetCallerIdentity"]
    assert denial["Condition"] == {"StringNotEquals": {"aws:PrincipalTag/mfa": "enforced"}}


def test_identity_center_passes_on_what_google_says_of_a_session(graph):
    attributes = graph.named("people-attributes")
    assert attributes.inputs["instanceArn"] == ORGANIZATION.identity_provider.identity_center_arn
    for assignment in graph.of_type("aws:ssoadmin/accountAssignment:AccountAssignment"):
        assert attributes.urn in assignment.dependencies


@pytest.mark.parametrize("duty", DUTIES)
def test_nobody_makes_lasting_credentials_or_hides_what_was_done(graph, duty):
    denied = denied_actions(
        statement for statement in inline(graph, duty).values() if "Condition" not in statement
    )
    assert denied >= set(LONG_LIVED_CREDENTIALS)
    assert denied >= set(TAMPERING)


@pytest.mark.parametrize("duty", ["developer", "auditor"])
def test_who_only_looks_can_change_nothing(graph, duty):
    verbs = {action.split(":")[1] for action in allowed_actions(inline(graph, duty).values())}
    harmless = (
        r"(Assume|BatchGet|Decrypt|Describe|Filter|Get|List|Lookup|Select|StartQuery|StopQuery)"
    )
    assert {verb for verb in verbs if not re.match(harmless, verb)} == set()


@pytest.mark.parametrize("duty", ["developer", "operator", "auditor"])
def test_only_break_glass_could_read_secrets(graph, duty):
    denied = inline(graph, duty)["NoSecretsAndNoTenantsData"]["Action"]
    assert {"secretsmanager:GetSecretValue", "rds-db:connect", "dynamodb:Scan"} <= set(denied)


@pytest.mark.parametrize("duty", DUTIES)
def test_a_duty_leads_to_its_own_role_in_each_cell(graph, duty):
    resources = inline(graph, duty)["TakeTheDutyInACell"]["Resource"]
    assert resources == [f"arn:aws:iam::{PROD}:role/{names.role(ORGANIZATION, CELL, duty)}"]


def test_groups_have_their_duties_in_their_environments_and_nothing_else(graph):
    assert assignments(ORGANIZATION) == [
        ("on-call", "break-glass", "prod", PROD),
        ("platform", "developer", "dev", DEV),
        ("platform", "developer", "prod", PROD),
        ("platform", "operator", "dev", DEV),
        ("platform", "operator", "prod", PROD),
        ("security", "auditor", "prod", PROD),
        ("security", "auditor", "audit", AUDIT),
    ]
    found = {
        resource.name: resource.inputs
        for resource in graph.of_type("aws:ssoadmin/accountAssignment:AccountAssignment")
    }
    assert set(found) == {
        f"people-{group}-{duty}-{place}" for group, duty, place, _ in assignments(ORGANIZATION)
    }
    for group, duty, place, account in assignments(ORGANIZATION):
        inputs = found[f"people-{group}-{duty}-{place}"]
        assert inputs["targetId"] == account
        assert inputs["targetType"] == "AWS_ACCOUNT"
        assert inputs["principalType"] == "GROUP"
        assert inputs["principalId"] == graph.named(f"people-group-{group}").outputs["groupId"]
        assert inputs["permissionSetArn"] == graph.named(f"people-{duty}").outputs["arn"]


def test_nobody_is_assigned_before_the_denials_are_in(graph):
    for assignment in graph.of_type("aws:ssoadmin/accountAssignment:AccountAssignment"):
        reached, waiting = set(), [assignment.urn]
        while waiting:
            urn = waiting.pop()
            if urn not in reached:
                reached.add(urn)
                waiting.extend(graph.resources[urn].dependencies)
        duty = assignment.inputs["permissionSetArn"].split("people-")[1].split(".")[0]
        assert graph.named(f"people-{duty}-policy").urn in reached
        assert graph.named(f"people-{duty}-boundary").urn in reached


def test_there_are_no_iam_users_and_no_access_keys(graph):
    users = ("aws:iam/user:", "aws:iam/accessKey:", "aws:iam/userLoginProfile:")
    assert not [r.name for r in graph.resources.values() if r.type.startswith(users)]


def test_the_resources_are_the_same_before_anything_is_known():
    assert_the_same_resources_without_known_outputs(people)
