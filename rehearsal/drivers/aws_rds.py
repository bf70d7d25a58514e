"""Drivers for Aurora clusters, each with a real PostgreSQL server, and their instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Cloud, Driver, Inputs, Outputs


def rds_tagging(kind: str) -> Tagging:
    """How RDS tags resources of a kind, which is the last but one part of their ARNs."""
    return Tagging(
        "add_tags_to_resource",
        "remove_tags_from_resource",
        lambda s: {"ResourceName": s.arn("rds", f"{kind}:{s.id}")},
    )


_CLUSTER_NAMES = {
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    "caCertificateIdentifier": "CACertificateIdentifier",
    "caCertIdentifier": "CACertificateIdentifier",
    "identifier": "DBInstanceIdentifier",
}


def _cluster(subject: Subject) -> dict[str, str]:
    return {"DBClusterIdentifier": subject.id}


def _log_exports(subject: Subject) -> None:
    before = set(subject.before.get("enabledCloudwatchLogsExports") or ())
    after = set(subject.inputs.get("enabledCloudwatchLogsExports") or ())
    change = {
        "EnableLogTypes": sorted(after - before),
        "DisableLogTypes": sorted(before - after),
    }
    subject.api.modify_db_cluster(
        **_cluster(subject), CloudwatchLogsExportConfiguration=change, ApplyImmediately=True
    )


def _delete_cluster(subject: Subject) -> None:
    final = subject.inputs.get("finalSnapshotIdentifier")
    if subject.inputs.get("skipFinalSnapshot") or not final:
        how: dict[str, Any] = {"SkipFinalSnapshot": True}
    else:
        how = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": final}
    subject.api.delete_db_cluster(**_cluster(subject), **how)


class Cluster(AwsDriver):
    """An Aurora cluster: moto keeps its settings, a PostgreSQL server of its own is its database.

    `endpoint`, `readerEndpoint` and `port` are that server's, on loopback. `engineVersionActual`
    is the server's own version; where that is another than the declared one, `notes` says so.
    """

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create the cluster and start its server."""
        identifier, outputs = super().create(name, inputs, cloud)
        return identifier, outputs | _serve(identifier, inputs, cloud)

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Change the settings; the server is started again if it has ended."""
        return super().update(id, old, new, outputs, cloud) | _serve(id, new, cloud)

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Delete the cluster, and then its server with all its data."""
        super().delete(id, inputs, outputs, cloud)
        cloud.postgresql.remove(id)


def _serve(identifier: str, inputs: Inputs, cloud: Cloud) -> Outputs:
    declared = str(inputs.get("engineVersion") or "")
    server = cloud.postgresql.ensure(identifier, declared)
    outputs: Outputs = {
        "endpoint": server.host,
        "readerEndpoint": server.host,
        "port": server.port,
        "engineVersionActual": server.version,
    }
    if server.version != declared:
        outputs["notes"] = f"PostgreSQL {server.version} serves instead of the declared {declared}"
    return outputs


CLUSTER = Cluster(
    service="rds",
    prefix="DB",
    create_by=Call("create_db_cluster", rename=_CLUSTER_NAMES),
    read_by=Call("describe_db_clusters", given=_cluster),
    updates=(
        Step({"enabledCloudwatchLogsExports"}, _log_exports),
        Call(
            "modify_db_cluster",
            given=lambda s: {**_cluster(s), "ApplyImmediately": True},
            rename=_CLUSTER_NAMES,
            partial=True,
        ),
    ),
    delete_by=(_delete_cluster,),
    id_is="DBCluster.DBClusterIdentifier",
    outputs_are={
        "arn": "DBClusters[0].DBClusterArn",
        "clusterResourceId": "DBClusters[0].DbClusterResourceId",
        "hostedZoneId": "DBClusters[0].HostedZoneId",
        "availabilityZones": "DBClusters[0].AvailabilityZones",
        "engineVersion": "DBClusters[0].EngineVersion",
        "masterUserSecrets": (
            "[DBClusters[0].MasterUserSecret.{secretArn: SecretArn, "
            "secretStatus: SecretStatus, kmsKeyId: KmsKeyId}][?secretArn]"
        ),
    },
    named="clusterIdentifier",
    tagging=rds_tagging("cluster"),
    replaced_by=frozenset(
        {
            "availabilityZones",
            "clusterIdentifier",
            "clusterIdentifierPrefix",
            "databaseName",
            "dbSubnetGroupName",
            "engine",
            "engineMode",
            "kmsKeyId",
            "masterUsername",
            "snapshotIdentifier",
            "storageEncrypted",
        }
    ),
    steering=frozenset(
        {
            "allowMajorVersionUpgrade",
            "applyImmediately",
            "deleteAutomatedBackups",
            "finalSnapshotIdentifier",
            "skipFinalSnapshot",
        }
    ),
)


def _instance(subject: Subject) -> dict[str, str]:
    return {"DBInstanceIdentifier": subject.id}


class ClusterInstance(AwsDriver):
    """An instance of an Aurora cluster; writer or reader, it answers where the cluster does."""

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create the instance."""
        identifier, outputs = super().create(name, inputs, cloud)
        return identifier, outputs | _where(inputs, cloud)

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Change the instance's settings."""
        return super().update(id, old, new, outputs, cloud) | _where(new, cloud)


def _where(inputs: Inputs, cloud: Cloud) -> Outputs:
    declared = str(inputs.get("engineVersion") or "")
    if not declared:
        clusters = cloud.aws("rds").describe_db_clusters(
            DBClusterIdentifier=inputs["clusterIdentifier"]
        )
        declared = clusters["DBClusters"][0]["EngineVersion"]
    server = cloud.postgresql.ensure(inputs["clusterIdentifier"], declared)
    return {"endpoint": server.host, "port": server.port, "engineVersionActual": server.version}


CLUSTER_INSTANCE = ClusterInstance(
    service="rds",
    prefix="DB",
    create_by=Call("create_db_instance", rename=_CLUSTER_NAMES),
    read_by=Call("describe_db_instances", given=_instance),
    updates=(
        Call(
            "modify_db_instance",
            given=lambda s: {**_instance(s), "ApplyImmediately": True},
            rename=_CLUSTER_NAMES,
            partial=True,
        ),
    ),
    delete_by=(
        Call("delete_db_instance", given=lambda s: {**_instance(s), "SkipFinalSnapshot": True}),
    ),
    id_is="DBInstance.DBInstanceIdentifier",
    outputs_are={
        "arn": "DBInstances[0].DBInstanceArn",
        "dbiResourceId": "DBInstances[0].DbiResourceId",
        "availabilityZone": "DBInstances[0].AvailabilityZone",
        "engineVersion": "DBInstances[0].EngineVersion",
        "storageEncrypted": "DBInstances[0].StorageEncrypted",
        "kmsKeyId": "DBInstances[0].KmsKeyId",
        "writer": lambda s: _is_writer(s),
    },
    named="identifier",
    tagging=rds_tagging("db"),
    replaced_by=frozenset(
        {
            "availabilityZone",
            "clusterIdentifier",
            "customIamInstanceProfile",
            "dbSubnetGroupName",
            "engine",
            "engineVersion",
            "identifier",
            "identifierPrefix",
        }
    ),
    steering=frozenset({"applyImmediately", "forceDestroy"}),
)


def _is_writer(subject: Subject) -> bool:
    (cluster,) = subject.api.describe_db_clusters(
        DBClusterIdentifier=subject.inputs["clusterIdentifier"]
    )["DBClusters"]
    return any(
        member["IsClusterWriter"]
        for member in cluster["DBClusterMembers"]
        if member["DBInstanceIdentifier"] == subject.id
    )


DRIVERS: dict[str, Driver] = {
    "aws:rds/cluster:Cluster": CLUSTER,
    "aws:rds/clusterInstance:ClusterInstance": CLUSTER_INSTANCE,
}
