"""The topic of alarms, and the role of enhanced monitoring, read off the graph."""

import pytest
from foundations import (
    ACCOUNT,
    KEY,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)

from components.aws.alarm_topic import AlarmTopic
from components.aws.database_monitoring import DatabaseMonitoring


def declare(opts):
    AlarmTopic(
        "alarms",
        topic_name="acme-prod-eu-west-1-alarms",
        account=ACCOUNT,
        email="security@acme.example",
        key_arn=KEY,
        opts=opts,
    )
    DatabaseMonitoring(
        "monitoring", role_name="acme-prod-eu-west-1-monitoring", account=ACCOUNT, opts=opts
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(declare)


def test_alarms_are_encrypted_and_reach_a_person(graph):
    assert graph.named("alarms-topic").inputs["kmsMasterKeyId"] == KEY
    email = graph.named("alarms-email").inputs
    assert (email["protocol"], email["endpoint"]) == ("email", "security@acme.example")


def test_only_the_accounts_own_alarms_and_events_may_publish(graph):
    found = statements(graph.named("alarms-policy"))
    alarms = found["AlarmsPublish"]
    assert set(alarms["Principal"]["Service"]) == {
        "cloudwatch.amazonaws.com",
        "events.rds.amazonaws.com",
    }
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert found["EventsPublish"]["Principal"] == {"Service": "events.amazonaws.com"}
    assert found["TlsOnly"]["Effect"] == "Deny"
    assert {s["Effect"] for sid, s in found.items() if s["Principal"] == "*"} == {"Deny"}


def test_enhanced_monitoring_writes_through_a_role_of_this_account(graph):
    role = graph.named("monitoring-role")
    trust = statements(role, "assumeRolePolicy")["MonitoringOfThisAccount"]
    assert trust["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    policy = graph.named("monitoring-policy").inputs["policyArn"]
    assert policy.endswith("/AmazonRDSEnhancedMonitoringRole")


def test_the_role_is_handed_out_only_with_its_policy(graph):
    outputs = graph.named("monitoring", "patchworks:aws:DatabaseMonitoring").outputs
    assert outputs["role_arn"] == (f"arn:aws:iam::{ACCOUNT}:role/acme-prod-eu-west-1-monitoring")


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(declare)
