"""The ledger's table, read off the graph."""

import pytest
from foundations import KEY, assert_the_same_resources_without_known_outputs, evaluate

from components.aws.ledger import LedgerTable


def ledger(opts):
    return LedgerTable("ledger", table_name="acme-placements", key_arn=KEY, opts=opts)


@pytest.fixture(scope="module")
def table():
    return evaluate(ledger).named("ledger-table")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("name", "acme-placements"),
        ("billingMode", "PAY_PER_REQUEST"),
        ("hashKey", "tenant"),
        ("rangeKey", "version"),
        ("attributes", [{"name": "tenant", "type": "S"}, {"name": "version", "type": "N"}]),
        ("pointInTimeRecovery", {"enabled": True, "recoveryPeriodInDays": 35}),
        ("serverSideEncryption", {"enabled": True, "kmsKeyArn": KEY}),
        ("deletionProtectionEnabled", True),
        ("streamEnabled", True),
        ("streamViewType", "NEW_AND_OLD_IMAGES"),
    ],
)
def test_the_ledger_declares(table, setting, value):
    assert table.inputs[setting] == value


def test_the_ledger_outlives_its_stack(table):
    assert table.protect
    assert table.retain_on_delete


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(ledger)
