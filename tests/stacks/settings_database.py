"""Database: what a reviewer looks for, in the shared and in the dedicated clusters."""

from __future__ import annotations

from settings_platform import encrypted_by_own_key, has, held, refers_to, setting

PLAN = "aws:backup/plan:Plan"


def parameters(platform):
    for cell, settings, graph, cluster in platform.databases():
        group = refers_to(
            graph,
            cluster.inputs["dbClusterParameterGroupName"],
            "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        )
        yield cell, settings, group, {p["name"]: p["value"] for p in group.inputs["parameters"]}


@setting(
    "Database",
    "Every database is Aurora PostgreSQL with a writer and a reader at least",
    "databases-have-a-reader",
)
def readers(platform):
    for _, settings, graph, cluster in platform.databases():
        has(cluster, engine="aurora-postgresql", engineVersion=settings.engine_version)
        found = platform.instances(graph, cluster)
        assert len(found) == 1 + settings.readers >= 2, cluster.urn
        yield cluster


@setting(
    "Database",
    "Writer and readers are in different zones while zones last",
    "instances-lie-in-different-zones",
)
def zones(platform):
    for cell, _, graph, cluster in platform.databases():
        found = platform.instances(graph, cluster)
        placed = [each.inputs["availabilityZone"] for each in found]
        assert len(set(placed)) == min(len(found), len(cell.zones)), cluster.urn
        yield from found


held("Database", "Failover priority says who is writer next", "failover-priority-is-set")


held(
    "Database",
    "The reader endpoint is exported beside the writer's",
    "reader-endpoints-are-exported",
)


held("Database", "Storage is encrypted with the cell's or the tenant's key", "storage-is-encrypted")


held(
    "Database",
    "Databases are protected from deletion, by AWS and by Pulumi",
    "databases-are-protected",
)


held("Database", "A database leaves a final snapshot", "databases-leave-a-snapshot")


held("Database", "Snapshots carry the database's tags", "snapshots-carry-tags")


@setting(
    "Database", "Backups are kept as the catalog says, 35 days in production", "backups-are-kept"
)
def backups(platform):
    for cell, settings, _, cluster in platform.databases():
        assert cell.environment != "prod" or settings.backup_retention_days == 35, cluster.urn
        yield has(cluster, backupRetentionPeriod=settings.backup_retention_days)


@setting(
    "Database",
    "Backups are copied to another region, under a key there",
    "backups-are-copied-to-another-region",
)
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


held(
    "Database",
    "The plan selects every database of the cell, dedicated ones too, by its tag",
    "backups-take-in-every-database",
)


held("Database", "A restore is tested on a schedule", "restores-are-tested")


held("Database", "No connection goes without TLS", "connections-use-tls")


held("Database", "IAM authentication is on", "people-and-workloads-may-sign-in-by-iam")


held(
    "Database",
    "RDS manages the master password, and it never enters state",
    "master-passwords-are-managed",
)


held(
    "Database",
    "Logs are exported to encrypted log groups that do not keep them for ever",
    "database-logs-are-exported",
)


held("Database", "Enhanced monitoring is on", "instances-are-monitored")


held(
    "Database",
    "Performance Insights is on, encrypted with the cell's or the tenant's key",
    "performance-insights-are-on",
)


held(
    "Database",
    "Minor versions are upgraded by themselves, major ones never",
    "minor-versions-are-upgraded",
)


@setting(
    "Database",
    "Events of cluster and instances reach the cell's alarm topic",
    "database-events-are-heard",
)
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


held("Database", "Logical replication is on", "logical-replication-is-on")


@setting(
    "Database",
    "Slots, senders and workers are enough for every tenant of a pool to move",
    "databases-are-sized-for-moves",
)
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


held("Database", "No database has a public address", "databases-have-no-public-address")
