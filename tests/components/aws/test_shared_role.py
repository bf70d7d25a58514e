"""What the environments' deployments reach in the management account, read off the graph."""

import json

import pytest
from foundations import (
    KEY,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)
from identities import DEV, MANAGEMENT, ORGANIZATION, PROD, allowed_actions

from components.aws.ledger_access import LedgerAccess, opens_ledger_key
from components.aws.registry import Registry
from components.aws.shared_role import SharedRole, shared_role_arn, write_records

LEDGER = f"arn:aws:dynamodb:eu-west-1:{MANAGEMENT}:table/acme-placements"
READER = f"arn:aws:iam::{DEV}:role/acme-ci-preview"
WRITER = f"arn:aws:iam::{PROD}:role/acme-ci-deploy-prod"
TAKERS = {DEV: ("acme-ci-deploy-dev",), PROD: ("acme-ci-deploy-prod",)}


def shared(opts):
    SharedRole(
        "dns",
        organization=ORGANIZATION,
        purpose="dns",
        description="Records in the public zone",
        takers=TAKERS,
        statements=write_records("Z0123456789"),
        opts=opts,
    )
    LedgerAccess("ledger", table_arn=LEDGER, readers=(READER,), writers=(WRITER,), opts=opts)
    Registry(
        "registry",
        organization=ORGANIZATION,
        accounts=(DEV, PROD),
        key_arn=KEY,
        opts=opts,
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(shared)


def test_only_the_deploy_roles_can_take_a_shared_role(graph):
    trust = statements(graph.named("dns-role"), "assumeRolePolicy")["DeployRoles"]
    assert trust["Principal"] == {"AWS": [f"arn:aws:iam::{DEV}:root", f"arn:aws:iam::{PROD}:root"]}
    assert trust["Condition"] == {
        "ArnEquals": {
            "aws:PrincipalArn": [
                f"arn:aws:iam::{DEV}:role/acme-ci-deploy-dev",
                f"arn:aws:iam::{PROD}:role/acme-ci-deploy-prod",
            ]
        }
    }


def test_a_shared_role_bears_the_name_that_deploy_roles_may_take(graph):
    name = graph.named("dns-role").inputs["name"]
    assert shared_role_arn(ORGANIZATION, "dns") == f"arn:aws:iam::{MANAGEMENT}:role/{name}"


def test_records_are_written_into_one_zone_only(graph):
    found = statements(graph.named("dns-policy"))
    writing = found["WriteRecordsOfOneZone"]
    assert "route53:ChangeResourceRecordSets" in writing["Action"]
    assert writing["Resource"] == "arn:aws:route53:::hostedzone/Z0123456789"


def test_placements_are_read_and_set_by_named_roles_only(graph):
    found = statements(graph.named("ledger-policy"))
    assert found["ReadPlacements"]["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": [READER, WRITER]}
    }
    assert found["SetPlacements"]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": [WRITER]}}
    assert found["SetPlacements"]["Principal"] == {"AWS": [f"arn:aws:iam::{PROD}:root"]}
    assert "dynamodb:UpdateItem" in found["SetPlacements"]["Action"]
    assert not {"dynamodb:PutItem", "dynamodb:UpdateItem"} & set(found["ReadPlacements"]["Action"])


def test_no_placement_is_ever_deleted(graph):
    actions = allowed_actions(statements(graph.named("ledger-policy")).values())
    assert actions
    assert not any("Delete" in action for action in actions)


def test_the_ledgers_key_opens_through_the_table_only():
    statement = opens_ledger_key((READER, WRITER), "eu-west-1")
    assert statement["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": [READER, WRITER]},
        "StringEquals": {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"},
    }


def test_images_are_immutable_encrypted_and_scanned_on_push(graph):
    template = graph.named("registry-template").inputs
    assert template["imageTagMutability"] == "IMMUTABLE"
    assert template["appliedFors"] == ["CREATE_ON_PUSH"]
    assert template["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY}]
    assert template["customRoleArn"] == graph.named("registry-creator").outputs["arn"]
    (rule,) = json.loads(template["lifecyclePolicy"])["rules"]
    assert rule["selection"]["tagStatus"] == "untagged"
    (scan,) = graph.named("registry-scanning").inputs["rules"]
    assert scan["scanFrequency"] == "SCAN_ON_PUSH"


def test_our_accounts_pull_and_do_not_push(graph):
    pulling = statements(graph.named("registry-policy"))["OurAccountsPull"]
    assert pulling["Principal"] == {
        "AWS": [f"arn:aws:iam::{DEV}:root", f"arn:aws:iam::{PROD}:root"]
    }
    assert not [a for a in pulling["Action"] if "Put" in a or "Upload" in a or "Create" in a]
    assert graph.named("registry-policy-scope").inputs["value"] == "V2"


def test_the_resources_are_the_same_before_anything_is_known():
    assert_the_same_resources_without_known_outputs(shared)
