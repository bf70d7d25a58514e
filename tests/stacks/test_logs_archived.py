"""Every log that the shipped catalog's cells and tenants declare, against their archive."""

import pytest

from catalog.load import find_root, load
from rehearsal.evaluation import Evaluation
from stacks.programs import stack_names

GROUP = "aws:cloudwatch/logGroup:LogGroup"
SUBSCRIPTION = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"


@pytest.fixture(scope="module")
def graphs():
    catalog = load(find_root())
    evaluation = Evaluation(catalog)
    return {
        stack: evaluation.evaluate(stack)
        for stack in stack_names(catalog)
        if stack.startswith(("cell.", "tenant."))
    }


def test_every_log_group_is_archived_but_the_archives_own(graphs):
    for stack, graph in graphs.items():
        declared = {group.inputs["name"] for group in graph.of_type(GROUP)}
        archived = {each.inputs["logGroup"] for each in graph.of_type(SUBSCRIPTION)}
        left = declared - archived
        assert {name.split("/")[2] for name in left} <= {"kinesisfirehose"}, stack
        assert archived, stack
        assert archived <= declared, stack


def test_what_postgresql_audits_is_exported_and_archived(graphs):
    seen = 0
    for stack, graph in graphs.items():
        archived = {each.inputs["logGroup"] for each in graph.of_type(SUBSCRIPTION)}
        for cluster in graph.of_type("aws:rds/cluster:Cluster"):
            identifier = cluster.inputs["clusterIdentifier"]
            assert "postgresql" in cluster.inputs["enabledCloudwatchLogsExports"]
            assert f"/aws/rds/cluster/{identifier}/postgresql" in archived, stack
            seen += 1
        for group in graph.of_type("aws:rds/clusterParameterGroup:ClusterParameterGroup"):
            settings = {each["name"]: each["value"] for each in group.inputs["parameters"]}
            assert "pgaudit" in settings["shared_preload_libraries"]
            assert settings["pgaudit.log"]
    assert seen >= 6


def test_a_tenants_logs_take_the_stream_of_their_cell(graphs):
    (stream,) = graphs["cell.prod-eu-west-1"].of_type(STREAM)
    tenants = [
        subscription
        for stack, graph in graphs.items()
        if stack.startswith("tenant.")
        for subscription in graph.of_type(SUBSCRIPTION)
    ]
    assert stream.outputs["arn"] in {each.inputs["destinationArn"] for each in tenants}
    assert all(each.inputs["destinationArn"].startswith("arn:aws:firehose:") for each in tenants)
    assert all(each.inputs["roleArn"].endswith("-log-subscriber") for each in tenants)
