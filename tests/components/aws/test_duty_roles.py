"""The roles that people take in a cell, read off the graph."""

import pytest
from foundations import assert_the_same_resources_without_known_outputs, evaluate, statements
from identities import CELL, ORGANIZATION, PROD, allowed_actions

from catalog import names
from components.aws.duty_roles import DutyRoles
from components.aws.people import DUTIES


def roles(opts):
    return DutyRoles("duties", organization=ORGANIZATION, cell=CELL, opts=opts)


@pytest.fixture(scope="module")
def graph():
    return evaluate(roles)


@pytest.mark.parametrize("duty", DUTIES)
def test_only_the_dutys_own_permission_set_can_take_its_role(graph, duty):
    trust = statements(graph.named(f"duties-{duty}"), "assumeRolePolicy")
    statement = trust["OnlyTheDutysOwnPermissionSet"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{PROD}:root"}
    reserved = f"arn:aws:iam::{PROD}:role/aws-reserved/sso.amazonaws.com"
    assert statement["Condition"]["ArnLike"]["aws:PrincipalArn"] == [
        f"{reserved}/AWSReservedSSO_{duty}_*",
        f"{reserved}/*/AWSReservedSSO_{duty}_*",
    ]
    assert statement["Condition"]["StringEquals"] == {"aws:PrincipalTag/mfa": "enforced"}


@pytest.mark.parametrize("duty", DUTIES)
def test_a_role_bears_the_name_that_the_access_entries_expect_and_lasts_an_hour(graph, duty):
    role = graph.named(f"duties-{duty}")
    assert role.inputs["name"] == names.role(ORGANIZATION, CELL, duty)
    assert role.inputs["maxSessionDuration"] == 3600


@pytest.mark.parametrize("duty", DUTIES)
def test_a_role_finds_its_own_cluster_and_changes_nothing(graph, duty):
    found = statements(graph.named(f"duties-{duty}-policy"))
    cluster = f"arn:aws:eks:eu-central-1:{PROD}:cluster/acme-prod-eu-central-1"
    assert found["FindTheCluster"]["Action"] == "eks:DescribeCluster"
    assert found["FindTheCluster"]["Resource"] == cluster
    for action in allowed_actions(found.values()):
        assert action.split(":")[1].startswith(("Describe", "Get", "List", "Filter", "StartQuery"))


@pytest.mark.parametrize("duty", DUTIES)
def test_a_role_reads_logs_of_the_cells_region_and_account_only(graph, duty):
    found = statements(graph.named(f"duties-{duty}-policy"))
    assert found["ReadTheCellsLogs"]["Resource"] == f"arn:aws:logs:eu-central-1:{PROD}:log-group:*"
    for statement in found.values():
        if statement["Resource"] == "*":
            assert statement["Condition"] == {
                "StringEquals": {"aws:RequestedRegion": "eu-central-1"}
            }


def test_the_resources_are_the_same_before_anything_is_known():
    assert_the_same_resources_without_known_outputs(roles)
