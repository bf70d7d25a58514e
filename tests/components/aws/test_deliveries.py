"""The deliveries' table, read off the graph: kept for good, written by the deploy roles alone."""

import pytest
from foundations import KEY, assert_the_same_resources_without_known_outputs, document, evaluate

from components.aws.deliveries import RECORD, DeliveriesTable

ROLE = "arn:aws:iam::111111111111:role/acme-ci-deploy-dev"


def deliveries(opts):
    return DeliveriesTable(
        "deliveries", table_name="acme-deliveries", key_arn=KEY, recorders=(ROLE,), opts=opts
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(deliveries)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("name", "acme-deliveries"),
        ("hashKey", "delivery"),
        ("rangeKey", "part"),
        ("attributes", [{"name": "delivery", "type": "S"}, {"name": "part", "type": "S"}]),
        ("pointInTimeRecovery", {"enabled": True, "recoveryPeriodInDays": 35}),
        ("serverSideEncryption", {"enabled": True, "kmsKeyArn": KEY}),
        ("deletionProtectionEnabled", True),
    ],
)
def test_the_table_declares(graph, setting, value):
    assert graph.named("deliveries-table").inputs[setting] == value


def test_the_evidence_outlives_its_stack(graph):
    table = graph.named("deliveries-table")
    assert table.protect
    assert table.retain_on_delete


def test_only_the_named_roles_record_and_nobody_deletes(graph):
    (statement,) = document(graph.named("deliveries-policy"), "policy")["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": [ROLE]}}
    assert statement["Action"] == list(RECORD)
    assert not any("Delete" in action or "*" in action for action in RECORD)


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(deliveries)
