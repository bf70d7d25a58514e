"""Database: what a reviewer looks for, in the shared and in the dedicated clusters."""

from __future__ import annotations

from settings_platform import encrypted_by_own_key, has, refers_to, setting

from rehearsal.values import UNKNOWN, reveal

INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
PLAN = "aws:backup/plan:Plan"


def parameters(platform):
    for cell, settings, graph, cluster in platform.databases():
        group = refers_to(
            graph,
            cluster.inputs["dbClusterParameterGroupName"],
            "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        )
        yield cell, settings, group, {p["name"]: p["value"] for p in group.inputs["parameters"]}


def every_instance(platform):
    for _, _, graph, cluster in platform.databases():
        for instance in platform.instances(graph, cluster):
            yield graph, instance


@setting("Database", "Every database is Aurora PostgreSQL with a writer and a reader at least")
def readers(platform):
    for _, settings, graph, cluster in platform.databases():
        has(cluster, engine="aurora-postgresql", engineVersion=settings.engine_version)
        found = platform.instances(graph, cluster)
        assert len(found) == 1 + settings.readers >= 2, cluster.urn
        yield cluster


@setting("Database", "Writer and readers are in different zones while zones last")
def zones(platform):
    for cell, _, graph, cluster in platform.databases():
        found = platform.instances(graph, cluster)
        placed = [each.inputs["availabilityZone"] for each in found]
        assert len(set(placed)) == min(len(found), len(cell.zones)), cluster.urn
        yield from found


@setting("Database", "Failover priority says who is writer next")
def priority(platform):
    for _, _, graph, cluster in platform.databases():
        found = platform.instances(graph, cluster)
        tiers = [each.inputs["promotionTier"] for each in found]
        assert tiers == list(range(len(found))), cluster.urn
        yield from found


@setting("Database", "The reader endpoint is exported beside the writer's")
def reader_endpoint(platform):
    for cell, graph in platform.cells:
        exported = reveal(graph.exports["databases"])
        assert set(exported) == set(cell.databases), graph.stack
        for name, database in exported.items():
            cluster = graph.named(f"{name}-cluster")
            assert database["reader_endpoint"] == cluster.outputs["readerEndpoint"], cluster.urn
            assert len(platform.instances(graph, cluster)) > 1, f"nobody answers: {cluster.urn}"
            yield cluster
    for _, _, graph in platform.tenants:
        for database in reveal(graph.exports["databases"]).values():
            assert database["reader_endpoint"] != database["writer_endpoint"], graph.stack


@setting("Database", "Storage is encrypted with the cell's or the tenant's key")
def encrypted(platform):
    for _, _, graph, cluster in platform.databases():
        has(cluster, storageEncrypted=True)
        yield encrypted_by_own_key(graph, cluster, "kmsKeyId", cluster.inputs["kmsKeyId"])


@setting("Database", "Databases are protected from deletion, by AWS and by Pulumi")
def protected(platform):
    for _, _, _, cluster in platform.databases():
        assert cluster.protect, cluster.urn
        assert cluster.retain_on_delete, cluster.urn
        yield has(cluster, deletionProtection=True)


@setting("Database", "A database leaves a final snapshot")
def final_snapshot(platform):
    for _, _, _, cluster in platform.databases():
        assert cluster.inputs["finalSnapshotIdentifier"], cluster.urn
        yield has(cluster, skipFinalSnapshot=False)


@setting("Database", "Snapshots carry the database's tags")
def tags(platform):
    for _, _, _, cluster in platform.databases():
        yield has(cluster, copyTagsToSnapshot=True)


@setting("Database", "Backups are kept as the catalog says, 35 days in production")
def backups(platform):
    for cell, settings, _, cluster in platform.databases():
        assert cell.environment != "prod" or settings.backup_retention_days == 35, cluster.urn
        yield has(cluster, backupRetentionPeriod=settings.backup_retention_days)


@setting("Database", "Backups are copied to another region, under a key there")
def copies(platform):
    for cell, graph, plan in platform.in_cells(PLAN):
        (rule,) = plan.inputs["rules"]
        (copy,) = rule["copyActions"]
        (vault,) = [
            each
            for each in graph.of_type("aws:backup/vault:Vault")
            if each.outputs["arn"] == copy["destinationVaultArn"]
        ]
        provider = graph.resources[vault.provider]
        assert provider.inputs["region"] != cell.region, vault.urn
        for settings in cell.databases.values():
            assert settings.backup_region == provider.inputs["region"], vault.urn
        encrypted_by_own_key(graph, vault, "kmsKeyArn", vault.inputs["kmsKeyArn"])
        yield from (plan, vault)


@setting("Database", "The plan selects every database of the cell, dedicated ones too, by its tag")
def selection(platform):
    for cell, _, each in platform.in_cells("aws:backup/selection:Selection"):
        (condition,) = each.inputs["conditions"]
        assert condition["stringEquals"] == [{"key": "aws:ResourceTag/cell", "value": cell.name}], (
            each.urn
        )
        yield each
    for cell, _, graph, cluster in platform.databases():
        provider = graph.resources[cluster.provider]
        assert f'"cell": "{cell.name}"' in provider.inputs["defaultTags"], cluster.urn


@setting("Database", "A restore is tested on a schedule")
def restore_test(platform):
    for _, graph, plan in platform.in_cells("aws:backup/restoreTestingPlan:RestoreTestingPlan"):
        assert plan.inputs["scheduleExpression"].startswith("cron("), plan.urn
        selected = graph.of_type("aws:backup/restoreTestingSelection:RestoreTestingSelection")
        assert [each.inputs["protectedResourceType"] for each in selected] == ["Aurora"], plan.urn
        yield from (plan, *selected)


@setting("Database", "No connection goes without TLS")
def tls(platform):
    for _, _, group, values in parameters(platform):
        assert values["rds.force_ssl"] == "1", group.urn
        yield group


@setting("Database", "IAM authentication is on")
def iam(platform):
    for _, _, _, cluster in platform.databases():
        yield has(cluster, iamDatabaseAuthenticationEnabled=True)


@setting("Database", "RDS manages the master password, and it never enters state")
def master_password(platform):
    for _, _, graph, cluster in platform.databases():
        assert "masterPassword" not in cluster.inputs, cluster.urn
        key = cluster.inputs["masterUserSecretKmsKeyId"]
        encrypted_by_own_key(graph, cluster, "masterUserSecretKmsKeyId", key)
        yield has(cluster, manageMasterUserPassword=True)


@setting("Database", "Logs are exported to encrypted log groups that do not keep them for ever")
def logs(platform):
    for _, _, graph, cluster in platform.databases():
        identifier = cluster.inputs["clusterIdentifier"]
        assert "postgresql" in cluster.inputs["enabledCloudwatchLogsExports"], cluster.urn
        for log in cluster.inputs["enabledCloudwatchLogsExports"]:
            name = f"/aws/rds/cluster/{identifier}/{log}"
            (group,) = [
                each
                for each in graph.of_type("aws:cloudwatch/logGroup:LogGroup")
                if each.inputs["name"] == name
            ]
            assert group.inputs["retentionInDays"], group.urn
            assert group.urn in cluster.dependencies, f"{cluster.urn} does not wait for {name}"
            yield encrypted_by_own_key(graph, group, "kmsKeyId", group.inputs["kmsKeyId"])


@setting("Database", "Enhanced monitoring is on")
def monitoring(platform):
    for _, instance in every_instance(platform):
        assert instance.inputs["monitoringInterval"] > 0, instance.urn
        assert instance.inputs["monitoringRoleArn"], instance.urn
        yield instance


@setting("Database", "Performance Insights is on, encrypted with the cell's or the tenant's key")
def insights(platform):
    for graph, instance in every_instance(platform):
        has(instance, performanceInsightsEnabled=True)
        key = instance.inputs["performanceInsightsKmsKeyId"]
        yield encrypted_by_own_key(graph, instance, "performanceInsightsKmsKeyId", key)


@setting("Database", "Minor versions are upgraded by themselves, major ones never")
def upgrades(platform):
    for _, _, _, cluster in platform.databases():
        yield has(cluster, allowMajorVersionUpgrade=False)
    for _, instance in every_instance(platform):
        yield has(instance, autoMinorVersionUpgrade=True)


@setting("Database", "Events of cluster and instances reach the cell's alarm topic")
def events(platform):
    for cell, _, graph, cluster in platform.databases():
        identifier = cluster.inputs["clusterIdentifier"]
        found = {
            each.inputs["sourceType"]: each
            for each in graph.of_type("aws:rds/eventSubscription:EventSubscription")
            if each.inputs["name"].startswith(identifier)
        }
        assert set(found) == {"db-cluster", "db-instance"}, cluster.urn
        for each in found.values():
            assert each.inputs["snsTopic"].endswith(f":{cell.name}-alarms"), each.urn
            yield has(each, enabled=True)


@setting("Database", "Logical replication is on")
def replication(platform):
    for _, _, group, values in parameters(platform):
        assert values["rds.logical_replication"] == "1", group.urn
        yield group


@setting("Database", "Slots, senders and workers are enough for every tenant of a pool to move")
def sized_for_moves(platform):
    homes = [(tenant.placement.cell, tenant.placement.database) for tenant, *_ in platform.tenants]
    most = max(homes.count(home) for home in homes)
    for _, _, group, values in parameters(platform):
        slots = int(values["max_replication_slots"])
        assert slots >= most, group.urn
        assert int(values["max_wal_senders"]) > slots, group.urn
        workers = int(values["max_logical_replication_workers"])
        assert workers >= most, group.urn
        assert int(values["max_worker_processes"]) > workers, group.urn
        yield group


@setting("Database", "No database has a public address")
def not_public(platform):
    for _, instance in every_instance(platform):
        assert instance.inputs.get("publiclyAccessible") not in (None, UNKNOWN), instance.urn
        yield has(instance, publiclyAccessible=False)
