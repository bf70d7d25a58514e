"""A cell's log archive, read off the graph."""

import pytest
from foundations import (
    TOPIC,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)

from catalog.load import find_root, load
from components.aws.log_archive import LogArchive

CATALOG = load(find_root())
CELL = CATALOG.cells["prod-us-east-1"]
ARCHIVE_KEY = "arn:aws:kms:eu-west-1:444455556666:key/00000000-0000-4000-8000-000000000000"
CELL_KEY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000001"


def declare(opts):
    LogArchive(
        "logs",
        organization=CATALOG.organization,
        cell=CELL,
        log_groups={"vpn": "/aws/client-vpn/us", "cluster": "/aws/eks/us/cluster"},
        archive_key_arn=ARCHIVE_KEY,
        key_arn=CELL_KEY,
        event_topic_arn=TOPIC,
        opts=opts,
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(declare)


def test_everything_in_the_named_groups_goes_to_the_stream(graph):
    filters = graph.of_type("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")
    assert {each.inputs["logGroup"] for each in filters} == {
        "/aws/client-vpn/us",
        "/aws/eks/us/cluster",
    }
    stream = graph.named("logs-stream")
    for each in filters:
        assert each.inputs["filterPattern"] == ""
        assert each.inputs["destinationArn"] == stream.outputs["arn"]
        assert graph.named("logs-subscriber-policy").urn in each.dependencies


def test_a_cell_writes_below_its_account_in_the_organizations_archive_and_nowhere_else(graph):
    written = graph.named("logs-stream").inputs["extendedS3Configuration"]
    assert written["bucketArn"] == "arn:aws:s3:::halyard-audit-archive"
    assert written["prefix"].startswith("cells/123456789012/prod-us-east-1/")
    assert written["errorOutputPrefix"].startswith("cells/123456789012/")
    assert written["kmsKeyArn"] == ARCHIVE_KEY
    rights = statements(graph.named("logs-delivery-policy"))
    assert rights["WriteToTheArchive"]["Resource"] == (
        "arn:aws:s3:::halyard-audit-archive/cells/${aws:PrincipalAccount}/*"
    )


def test_the_role_bears_the_name_that_the_archive_lets_in(graph):
    assert graph.named("logs-delivery").inputs["name"] == "halyard-prod-us-east-1-log-archive"


def test_what_waits_in_the_stream_is_encrypted_with_the_cells_key(graph):
    assert graph.named("logs-stream").inputs["serverSideEncryption"] == {
        "enabled": True,
        "keyType": "CUSTOMER_MANAGED_CMK",
        "keyArn": CELL_KEY,
    }


@pytest.mark.parametrize(
    ("role", "service", "condition"),
    [
        (
            "logs-delivery",
            "firehose.amazonaws.com",
            {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        ),
        (
            "logs-subscriber",
            "logs.amazonaws.com",
            {"StringLike": {"aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:*"}},
        ),
    ],
)
def test_each_role_trusts_one_service_that_acts_for_this_account(graph, role, service, condition):
    (statement,) = statements(graph.named(role), "assumeRolePolicy").values()
    assert statement["Principal"] == {"Service": service}
    assert statement["Condition"] == condition


def test_what_the_archive_refuses_is_told_in_an_encrypted_group(graph):
    told = graph.named("logs-stream").inputs["extendedS3Configuration"]["cloudwatchLoggingOptions"]
    group = graph.named("logs-refusals")
    assert told["enabled"]
    assert told["logGroupName"] == group.inputs["name"]
    assert group.inputs["kmsKeyId"] == CELL_KEY
    filters = graph.of_type("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")
    # What a refusal writes must not be sent to what refuses.
    assert group.inputs["name"] not in {each.inputs["logGroup"] for each in filters}


def test_an_archive_that_is_late_or_silent_wakes_somebody(graph):
    stream = graph.named("logs-stream").inputs["name"]
    late, silent = graph.named("logs-alarms-late").inputs, graph.named("logs-alarms-silent").inputs
    for alarm in (late, silent):
        assert alarm["namespace"] == "AWS/Firehose"
        assert alarm["dimensions"] == {"DeliveryStreamName": stream}
        assert alarm["alarmActions"] == [TOPIC]
    assert late["metricName"] == "DeliveryToS3.DataFreshness"
    assert late["threshold"] == 3600
    assert (silent["metricName"], silent["treatMissingData"]) == ("IncomingRecords", "breaching")


def test_nothing_in_the_account_can_read_or_delete_what_is_archived(graph):
    rights = statements(graph.named("logs-delivery-policy"))
    actions = {action for each in rights.values() for action in each["Action"]}
    assert not [a for a in actions if a.startswith(("s3:Get", "s3:Delete")) and "Bucket" not in a]


def test_the_resources_are_the_same_before_anything_is_known():
    assert_the_same_resources_without_known_outputs(declare)
