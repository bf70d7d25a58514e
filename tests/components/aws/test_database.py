"""A database cluster, read off the graph."""

import pytest
from foundations import (
    ACCOUNT,
    KEY,
    REGION,
    TOPIC,
    ZONES,
    assert_ec2_takes_every_description,
    assert_the_same_resources_without_known_outputs,
    evaluate,
)

from catalog.cell import DatabaseSettings, ServerlessCapacity
from catalog.tenant import Quota
from components.aws.database import Database
from components.aws.database_parameters import CONNECTIONS_OF_SMALLEST_TENANT, cluster_parameters
from components.postgresql.tenant_database import CONNECTIONS_BESIDE_APPLICATION

ROLE = f"arn:aws:iam::{ACCOUNT}:role/monitoring"
SERVERLESS = DatabaseSettings(
    engine_version="16.8",
    serverless=ServerlessCapacity(minimum=2, maximum=64),
    readers=2,
    backup_region="eu-central-1",
)
PROVISIONED = DatabaseSettings(
    engine_version="18.1", instance_class="db.r8g.xlarge", backup_region="eu-central-1"
)


def database(
    spec=SERVERLESS, peers=("10.128.0.0/16",), zones=ZONES, identifier="prod-eu-west-1-pool-a"
):
    def declare(opts):
        return Database(
            "pool-a",
            spec,
            identifier=identifier,
            vpc_id="vpc-1",
            subnet_ids=["subnet-a", "subnet-b", "subnet-c"],
            zones=zones,
            key_arn=KEY,
            client_security_groups={"nodes": "sg-nodes", "vpn": "sg-vpn"},
            peer_cidrs=peers,
            monitoring_role_arn=ROLE,
            event_topic_arn=TOPIC,
            log_retention_days=30,
            opts=opts,
        )

    return declare


@pytest.fixture(scope="module")
def graph():
    return evaluate(database())


@pytest.fixture(scope="module")
def provisioned():
    return evaluate(database(PROVISIONED, peers=()))


@pytest.fixture(scope="module")
def cluster(graph):
    (found,) = graph.of_type("aws:rds/cluster:Cluster")
    return found


def instances(graph):
    return graph.of_type("aws:rds/clusterInstance:ClusterInstance")


def parameters(graph, type):
    (group,) = graph.of_type(type)
    return {p["name"]: (p["value"], p["applyMethod"]) for p in group.inputs["parameters"]}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("engine", "aurora-postgresql"),
        ("engineVersion", "16.8"),
        ("storageEncrypted", True),
        ("kmsKeyId", KEY),
        ("manageMasterUserPassword", True),
        ("masterUserSecretKmsKeyId", KEY),
        ("iamDatabaseAuthenticationEnabled", True),
        ("deletionProtection", True),
        ("skipFinalSnapshot", False),
        ("finalSnapshotIdentifier", "prod-eu-west-1-pool-a-final"),
        ("copyTagsToSnapshot", True),
        ("deleteAutomatedBackups", False),
        ("backupRetentionPeriod", 35),
        ("preferredBackupWindow", "01:00-02:00"),
        ("preferredMaintenanceWindow", "sun:02:30-sun:03:30"),
        ("allowMajorVersionUpgrade", False),
        ("applyImmediately", False),
        ("networkType", "IPV4"),
        ("engineLifecycleSupport", "open-source-rds-extended-support"),
        ("enabledCloudwatchLogsExports", ["iam-db-auth-error", "postgresql"]),
        ("serverlessv2ScalingConfiguration", {"minCapacity": 2, "maxCapacity": 64}),
    ],
)
def test_the_cluster_declares(cluster, setting, value):
    assert cluster.inputs[setting] == value


def test_the_cluster_and_its_writer_are_protected(graph, cluster):
    assert cluster.protect
    assert cluster.retain_on_delete
    assert [instance.protect for instance in instances(graph)] == [True, False, False]


def test_no_password_is_anywhere_in_the_graph(graph):
    for resource in graph.resources.values():
        given = {key for key in resource.inputs if "password" in key.lower()}
        assert given <= {"manageMasterUserPassword"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("publiclyAccessible", False),
        ("autoMinorVersionUpgrade", True),
        ("monitoringInterval", 60),
        ("monitoringRoleArn", ROLE),
        ("performanceInsightsEnabled", True),
        ("performanceInsightsKmsKeyId", KEY),
        ("performanceInsightsRetentionPeriod", 7),
        ("caCertIdentifier", "rds-ca-rsa2048-g1"),
        ("copyTagsToSnapshot", True),
        ("applyImmediately", False),
        ("instanceClass", "db.serverless"),
    ],
)
def test_every_instance_declares(graph, setting, value):
    assert [instance.inputs[setting] for instance in instances(graph)] == [value] * 3


def test_writer_and_readers_stand_in_different_zones_in_order_of_promotion(graph):
    assert [i.inputs["availabilityZone"] for i in instances(graph)] == list(ZONES)
    assert [i.inputs["promotionTier"] for i in instances(graph)] == [0, 1, 2]


def test_zones_are_used_again_when_there_are_more_instances_than_zones():
    spec = SERVERLESS.model_copy(update={"readers": 15})
    found = instances(evaluate(database(spec, zones=ZONES[:2])))
    assert [i.inputs["availabilityZone"] for i in found] == list(ZONES[:2]) * 8
    assert [i.inputs["promotionTier"] for i in found] == list(range(16))


def test_readers_wait_for_the_writer_so_that_it_becomes_the_writer(graph):
    writer, *readers = instances(graph)
    assert all(writer.urn in reader.dependencies for reader in readers)


def test_provisioned_instances_have_their_class_and_no_serverless_capacity(provisioned):
    (found,) = provisioned.of_type("aws:rds/cluster:Cluster")
    assert "serverlessv2ScalingConfiguration" not in found.inputs
    assert {i.inputs["instanceClass"] for i in instances(provisioned)} == {"db.r8g.xlarge"}


@pytest.mark.parametrize(
    ("name", "value", "method"),
    [
        ("rds.logical_replication", "1", "pending-reboot"),
        ("max_replication_slots", "333", "pending-reboot"),
        ("max_wal_senders", "343", "pending-reboot"),
        ("max_logical_replication_workers", "353", "pending-reboot"),
        ("max_worker_processes", "377", "pending-reboot"),
        ("max_sync_workers_per_subscription", "4", "immediate"),
        ("wal_sender_timeout", "300000", "immediate"),
        ("rds.force_ssl", "1", "immediate"),
        ("rds.accepted_password_auth_method", "scram", "immediate"),
        ("shared_preload_libraries", "pg_stat_statements,pgaudit", "pending-reboot"),
        ("pgaudit.log", "ddl,role", "immediate"),
    ],
)
def test_the_cluster_parameter_group_sets(graph, name, value, method):
    found = parameters(graph, "aws:rds/clusterParameterGroup:ClusterParameterGroup")
    assert found[name] == (value, method)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_connections", "1"),
        ("log_disconnections", "1"),
        ("log_lock_waits", "1"),
        ("log_min_duration_statement", "1000"),
        ("log_parameter_max_length", "0"),
        ("idle_in_transaction_session_timeout", "300000"),
    ],
)
def test_the_instance_parameter_group_sets(graph, name, value):
    found = parameters(graph, "aws:rds/parameterGroup:ParameterGroup")
    assert found[name] == (value, "immediate")


def test_parameter_groups_are_the_ones_in_use_and_of_the_engines_major_version(graph, cluster):
    (group,) = graph.of_type("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    (instance_group,) = graph.of_type("aws:rds/parameterGroup:ParameterGroup")
    assert group.inputs["family"] == instance_group.inputs["family"] == "aurora-postgresql16"
    assert cluster.inputs["dbClusterParameterGroupName"] == group.inputs["name"]
    assert {i.inputs["dbParameterGroupName"] for i in instances(graph)} == {
        instance_group.inputs["name"]
    }


def test_a_new_major_version_gets_groups_under_another_name(graph, provisioned):
    names = [
        group.inputs["name"]
        for found in (graph, provisioned)
        for group in found.of_type("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    ]
    assert names == ["prod-eu-west-1-pool-a-16", "prod-eu-west-1-pool-a-18"]


@pytest.mark.parametrize(
    ("connections", "slots"), [(901, 60), (2000, 133), (3604, 240), (5000, 333), (100, 40)]
)
def test_every_tenant_that_fits_has_a_slot_until_its_move_is_ended(connections, slots):
    found = {p.name: p.value for p in cluster_parameters(18, connections)}
    assert found["max_replication_slots"] == str(slots)
    assert found["max_active_replication_origins"] == str(slots)
    assert int(found["max_wal_senders"]) > slots
    assert int(found["max_logical_replication_workers"]) > slots
    assert int(found["max_worker_processes"]) > int(found["max_logical_replication_workers"]) + 11


def test_the_smallest_tenant_is_the_catalogs():
    quota = Quota.model_fields["database_connections"]
    (least,) = (m.ge for m in quota.metadata if hasattr(m, "ge"))
    assert least + CONNECTIONS_BESIDE_APPLICATION == CONNECTIONS_OF_SMALLEST_TENANT


def test_from_version_18_on_a_subscribers_origins_are_sized_too(graph, provisioned):
    type = "aws:rds/clusterParameterGroup:ClusterParameterGroup"
    assert parameters(provisioned, type)["max_active_replication_origins"][0] == "240"
    assert "max_active_replication_origins" not in parameters(graph, type)


def rules(graph, direction):
    return graph.of_type(
        f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
    )


def test_only_named_clients_and_peers_get_in_and_only_to_postgresql(graph):
    found = rules(graph, "Ingress")
    assert {r.inputs.get("referencedSecurityGroupId") or r.inputs["cidrIpv4"] for r in found} == {
        "sg-nodes",
        "sg-vpn",
        "10.128.0.0/16",
    }
    assert {(r.inputs["fromPort"], r.inputs["toPort"]) for r in found} == {(5432, 5432)}


def test_nothing_gets_out_but_to_peers(graph, provisioned):
    (rule,) = rules(graph, "Egress")
    assert rule.inputs["cidrIpv4"] == "10.128.0.0/16"
    assert rule.inputs["toPort"] == 5432
    assert rules(provisioned, "Egress") == []


def test_a_peer_that_is_the_whole_world_is_refused():
    with pytest.raises(Exception, match=r"0\.0\.0\.0/0 is every address there is"):
        evaluate(database(peers=("0.0.0.0/0",)))


@pytest.mark.parametrize("log", ["iam-db-auth-error", "postgresql"])
def test_exported_logs_are_encrypted_and_expire_before_rds_makes_them(graph, cluster, log):
    group = graph.named(f"pool-a-log-{log}")
    assert group.inputs["name"] == f"/aws/rds/cluster/prod-eu-west-1-pool-a/{log}"
    assert group.inputs["kmsKeyId"] == KEY
    assert group.inputs["retentionInDays"] == 30
    assert group.urn in cluster.dependencies


def test_events_of_the_cluster_and_of_every_instance_reach_the_topic(graph):
    found = {
        s.inputs["sourceType"]: s
        for s in graph.of_type("aws:rds/eventSubscription:EventSubscription")
    }
    assert {s.inputs["snsTopic"] for s in found.values()} == {TOPIC}
    assert found["db-cluster"].inputs["sourceIds"] == ["prod-eu-west-1-pool-a"]
    assert found["db-instance"].inputs["sourceIds"] == [
        f"prod-eu-west-1-pool-a-{index}" for index in range(3)
    ]
    assert {"failover", "failure", "maintenance"} <= set(
        found["db-cluster"].inputs["eventCategories"]
    )


def alarms_of(graph):
    return {
        (alarm.inputs["metricName"], alarm.inputs["dimensions"]["Role"]): alarm
        for alarm in graph.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    }


@pytest.mark.parametrize(
    ("metric", "role"),
    [
        ("CPUUtilization", "WRITER"),
        ("CPUUtilization", "READER"),
        ("ACUUtilization", "WRITER"),
        ("DatabaseConnections", "WRITER"),
        ("AuroraReplicaLag", "READER"),
        ("TransactionLogsDiskUsage", "WRITER"),
        ("ReplicationSlotDiskUsage", "WRITER"),
        ("Deadlocks", "WRITER"),
        ("MaximumUsedTransactionIDs", "WRITER"),
    ],
)
def test_an_alarm_watches_the_role_and_tells_the_topic(graph, metric, role):
    alarm = alarms_of(graph)[metric, role]
    assert alarm.inputs["dimensions"]["DBClusterIdentifier"] == "prod-eu-west-1-pool-a"
    assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [TOPIC]
    assert alarm.inputs["alarmDescription"]


def test_provisioned_instances_are_watched_for_memory_instead_of_capacity(provisioned):
    found = alarms_of(provisioned)
    memory = found["FreeableMemory", "WRITER"].inputs
    assert memory["comparisonOperator"] == "LessThanThreshold"
    assert memory["threshold"] == pytest.approx(0.05 * 32 * 2**30)
    assert ("ACUUtilization", "WRITER") not in found


def test_connections_alarm_at_four_fifths_of_what_the_size_takes(graph, provisioned):
    metric = ("DatabaseConnections", "WRITER")
    assert alarms_of(graph)[metric].inputs["threshold"] == 4000
    expected = 0.8 * (32 * 2**30 // 9_531_392)
    assert alarms_of(provisioned)[metric].inputs["threshold"] == pytest.approx(expected)


def test_the_reader_endpoint_is_an_output_of_the_component(graph):
    outputs = graph.named("pool-a", "patchworks:aws:Database").outputs
    assert {"writer_endpoint", "reader_endpoint", "port", "identifier"} <= set(outputs)


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(database())


def test_the_database_lies_in_the_accounts_own_arn(cluster):
    expected = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:prod-eu-west-1-pool-a"
    assert cluster.outputs["arn"] == expected


def test_security_groups_are_described_in_characters_that_ec2_takes(graph):
    assert_ec2_takes_every_description(graph)


def test_the_longest_identifier_leaves_room_for_its_instances():
    found = instances(evaluate(database(identifier="p" + "x" * 62)))
    identifiers = [instance.inputs["identifier"] for instance in found]
    assert len(set(identifiers)) == 3
    assert all(len(identifier) <= 63 for identifier in identifiers)
