"""CI's runners in a cell, read off the graph."""

import re

import pytest
from foundations import (
    ACCOUNT,
    KEY,
    REGION,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)
from identities import ORGANIZATION, allowed_actions

from components.aws.runner_webhook import RunnerWebhook
from components.aws.runners import Runners

PROJECT = "acme-prod-eu-west-1-runners"
SUBNETS = ("subnet-a", "subnet-b")


def runners(opts):
    made = Runners(
        "runners",
        project_name=PROJECT,
        role_name=PROJECT,
        repository=ORGANIZATION.repository,
        account=ACCOUNT,
        region=REGION,
        vpc_id="vpc-1",
        vpc_cidr="10.0.0.0/16",
        subnet_ids=SUBNETS,
        key_arn=KEY,
        log_retention_days=30,
        opts=opts,
    )
    RunnerWebhook(
        "runners", project_name=made.project_name, workflows=("deploy", "move"), opts=opts
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(runners)


def test_a_runner_is_in_the_private_subnets(graph):
    vpc = graph.named("runners-project").inputs["vpcConfig"]
    assert vpc["vpcId"] == "vpc-1"
    assert vpc["subnets"] == list(SUBNETS)
    assert vpc["securityGroupIds"] == [graph.named("runners-security-group").id]


def test_a_runner_has_no_privileges_no_cache_and_no_artifacts(graph):
    project = graph.named("runners-project").inputs
    assert project["environment"]["privilegedMode"] is False
    assert project["artifacts"] == {"type": "NO_ARTIFACTS"}
    assert "cache" not in project
    assert project["projectVisibility"] == "PRIVATE"


def test_only_queued_jobs_of_the_named_workflows_get_a_runner(graph):
    (group,) = graph.named("runners-webhook").inputs["filterGroups"]
    filters = {each["type"]: each["pattern"] for each in group["filters"]}
    assert filters["EVENT"] == "WORKFLOW_JOB_QUEUED"
    assert re.search(filters["WORKFLOW_NAME"], "deploy")
    assert not re.search(filters["WORKFLOW_NAME"], "deploy-anything")


def test_github_is_reached_through_a_connection_and_no_stored_token(graph):
    source = graph.named("runners-project").inputs["source"]
    assert source["location"] == "https://github.com/acme/platform.git"
    connection = graph.named("runners-connection")
    assert source["auth"] == {"type": "CODECONNECTIONS", "resource": connection.outputs["arn"]}
    assert not graph.of_type("aws:codebuild/sourceCredential:SourceCredential")


def test_logs_are_encrypted_and_kept_for_as_long_as_all_others(graph):
    logs = graph.named("runners-logs").inputs
    assert logs["kmsKeyId"] == KEY
    assert logs["retentionInDays"] == 30
    config = graph.named("runners-project").inputs["logsConfig"]
    assert config["cloudwatchLogs"] == {"status": "ENABLED", "groupName": logs["name"]}


def test_nothing_comes_in_and_only_https_leaves_the_network(graph):
    assert not graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert "ingress" not in graph.named("runners-security-group").inputs
    rules = graph.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    outside = [rule.inputs for rule in rules if rule.inputs["cidrIpv4"] != "10.0.0.0/16"]
    assert [(rule["fromPort"], rule["toPort"]) for rule in outside] == [(443, 443)]
    assert all(rule.inputs["description"] for rule in rules)


def test_the_runners_own_role_can_log_and_join_the_network_and_nothing_else(graph):
    found = statements(graph.named("runners-policy"))
    services = {action.split(":")[0] for action in allowed_actions(found.values())}
    assert services == {"codeconnections", "ec2", "logs"}
    joining = found["AttachInterfacesInTheseSubnets"]["Condition"]
    assert joining["ArnEquals"]["ec2:Subnet"] == [
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/{subnet}" for subnet in SUBNETS
    ]


def test_only_this_project_can_take_the_role(graph):
    trust = statements(graph.named("runners-role"), "assumeRolePolicy")["OurProject"]
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PROJECT}"},
    }


def test_the_resources_are_the_same_before_anything_is_known():
    assert_the_same_resources_without_known_outputs(runners)
