"""Keys, read off the graph."""

import pytest
from foundations import (
    ACCOUNT,
    REGION,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)

from components.aws.keys import Key, alarms_publish, logs_encrypt


def key(opts):
    return Key(
        "cell",
        alias="acme-prod-eu-west-1",
        description="Everything of the cell.",
        account=ACCOUNT,
        statements=(logs_encrypt(ACCOUNT, REGION), *alarms_publish(ACCOUNT)),
        opts=opts,
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(key)


def test_a_key_rotates_and_outlives_its_stack(graph):
    found = graph.named("cell-key")
    assert found.inputs["enableKeyRotation"] is True
    assert found.inputs["deletionWindowInDays"] == 30
    assert found.protect
    assert found.retain_on_delete


def test_the_alias_names_the_key(graph):
    alias = graph.named("cell-alias")
    assert alias.inputs["name"] == "alias/acme-prod-eu-west-1"
    assert alias.inputs["targetKeyId"] == graph.named("cell-key").outputs["keyId"]


def test_the_account_can_always_administer_its_key(graph):
    root = statements(graph.named("cell-key"))["AccountAdministers"]
    assert root["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert root["Action"] == "kms:*"


def test_services_may_use_the_key_for_this_account_only(graph):
    found = statements(graph.named("cell-key"))
    logs = found["LogsEncrypt"]
    assert logs["Principal"] == {"Service": f"logs.{REGION}.amazonaws.com"}
    assert list(logs["Condition"]["ArnLike"].values()) == [f"arn:aws:logs:{REGION}:{ACCOUNT}:*"]
    assert found["AlarmsPublish"]["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    for service in ("LogsEncrypt", "AlarmsPublish", "EventsPublish"):
        assert not any(action in ("*", "kms:*") for action in found[service]["Action"])


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(key)
