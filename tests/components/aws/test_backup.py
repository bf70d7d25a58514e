"""Backups, their copies and their restore tests, read off the graph."""

import pytest
from foundations import (
    ACCOUNT,
    KEY,
    REGION,
    TOPIC,
    assert_the_same_resources_without_known_outputs,
    document,
    evaluate,
    provider,
    statements,
)

from components.aws.backup import BackupPlan
from components.aws.restore_testing import RestoreTest

COPY_KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/99999999-1111-2222-3333-444444444444"
PLAN = "acme-prod-eu-west-1"
CELL = {"cell": "prod-eu-west-1"}


def backups(plan_name=PLAN):
    return lambda opts: declare(opts, plan_name)


def declare(opts, plan_name=PLAN):
    backup = BackupPlan(
        "backup",
        plan_name=plan_name,
        role_name=f"{PLAN}-backup",
        account=ACCOUNT,
        key_arn=KEY,
        copy_region_provider=provider("copies", region="eu-central-1"),
        copy_key_arn=COPY_KEY,
        retention_days=35,
        selected_by=CELL,
        event_topic_arn=TOPIC,
        opts=opts,
    )
    RestoreTest(
        "restore",
        plan_name=plan_name,
        role_name=f"{PLAN}-restore-test",
        account=ACCOUNT,
        vault_arn=backup.vault_arn,
        selected_by=CELL,
        subnet_group_name="prod-eu-west-1-pool-a",
        security_group_id="sg-database",
        opts=opts,
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(declare)


@pytest.mark.parametrize(
    ("vault", "key", "name"),
    [("backup-vault", KEY, PLAN), ("backup-copies", COPY_KEY, f"{PLAN}-copies")],
)
def test_vaults_are_encrypted_locked_and_outlive_their_stack(graph, vault, key, name):
    found, lock = graph.named(vault), graph.named(f"{vault}-lock")
    assert found.inputs["name"] == name
    assert found.inputs["kmsKeyArn"] == key
    assert found.inputs["forceDestroy"] is False
    assert lock.inputs["backupVaultName"] == name
    assert lock.inputs["minRetentionDays"] == 35
    assert "changeableForDays" not in lock.inputs
    assert found.protect
    assert found.retain_on_delete
    assert lock.protect


def test_the_copies_vault_stands_in_the_other_region(graph):
    there = graph.named("copies").urn
    on_the_other_side = {r.name for r in graph.resources.values() if r.provider == there}
    assert on_the_other_side == {"backup-copies", "backup-copies-lock"}


def test_a_backup_is_taken_every_day_and_copied_for_as_long(graph):
    (rule,) = graph.named("backup-plan").inputs["rules"]
    assert rule["schedule"] == "cron(0 5 * * ? *)"
    assert rule["targetVaultName"] == PLAN
    assert rule["lifecycle"] == {"deleteAfter": 35}
    (copy,) = rule["copyActions"]
    assert copy["destinationVaultArn"] == (
        f"arn:aws:backup:eu-central-1:{ACCOUNT}:backup-vault:{PLAN}-copies"
    )
    assert copy["lifecycle"] == {"deleteAfter": 35}


def test_only_the_cells_own_databases_are_backed_up(graph):
    selection = graph.named("backup-selection").inputs
    assert selection["resources"] == ["arn:aws:rds:*:*:cluster:*"]
    assert selection["conditions"] == [
        {"stringEquals": [{"key": "aws:ResourceTag/cell", "value": "prod-eu-west-1"}]}
    ]


@pytest.mark.parametrize(
    ("role", "policy"),
    [
        ("backup-role", "AWSBackupServiceRolePolicyForBackup"),
        ("restore-role", "AWSBackupServiceRolePolicyForRestores"),
    ],
)
def test_backup_and_restore_have_a_role_each_that_no_other_account_can_use(graph, role, policy):
    attached = graph.named(f"{role}-policy")
    assert attached.inputs["policyArn"] == f"arn:aws:iam::aws:policy/service-role/{policy}"
    trust = statements(graph.named(role), "assumeRolePolicy")["BackupOfThisAccount"]
    assert trust["Principal"] == {"Service": "backup.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_jobs_that_fail_are_told_to_the_topic(graph):
    pattern = document(graph.named("backup-failures-rule"), "eventPattern")
    assert pattern["source"] == ["aws.backup"]
    assert {kind.split()[0] for kind in pattern["detail-type"]} == {"Backup", "Copy", "Restore"}
    for condition in pattern["detail"]["$or"]:
        ((_, ends),) = condition.items()
        assert {"FAILED", "EXPIRED", "ABORTED"} <= set(ends)
    assert graph.named("backup-failures-topic").inputs["arn"] == TOPIC


def test_the_newest_backup_is_restored_every_week(graph):
    plan = graph.named("restore-plan").inputs
    assert plan["scheduleExpression"] == "cron(0 9 ? * SUN *)"
    assert plan["recoveryPointSelection"] == {
        "algorithm": "LATEST_WITHIN_WINDOW",
        "includeVaults": [f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:{PLAN}"],
        "recoveryPointTypes": ["SNAPSHOT"],
        "selectionWindowDays": 7,
    }


def test_restored_clusters_come_up_where_the_databases_are(graph):
    selection = graph.named("restore-databases").inputs
    assert selection["protectedResourceType"] == "Aurora"
    assert selection["validationWindowHours"] == 4
    assert selection["restoreMetadataOverrides"] == {
        "dbSubnetGroupName": "prod-eu-west-1-pool-a",
        "vpcSecurityGroupIds": '["sg-database"]',
    }
    assert selection["protectedResourceConditions"]["stringEquals"] == [
        {"key": "aws:ResourceTag/cell", "value": "prod-eu-west-1"}
    ]


def test_restore_tests_have_names_that_aws_backup_takes(graph):
    for part in ("restore-plan", "restore-databases"):
        assert graph.named(part).inputs["name"] == "acme_prod_eu_west_1"


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(declare)


def test_the_longest_plan_name_fits_every_limit_of_aws():
    graph = evaluate(backups("a" * 63))
    for part in ("backup-vault", "backup-copies", "backup-plan", "backup-selection"):
        assert len(graph.named(part).inputs["name"]) <= 50
    for part in ("restore-plan", "restore-databases"):
        assert len(graph.named(part).inputs["name"]) <= 50
    assert len(graph.named("backup-failures-rule").inputs["name"]) <= 64
    assert graph.named("backup-vault").inputs["name"] != graph.named("backup-copies").inputs["name"]
