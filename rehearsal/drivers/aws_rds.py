"""Drivers for Aurora clusters, each with a real PostgreSQL server, and for what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rehearsal.drivers.aws_driver import AwsDriver, Call, Step, Subject, Tagging, gone
from rehearsal.drivers.aws_parameters import text

if TYPE_CHECKING:
    from rehearsal.drivers.base import Cloud, Driver, Inputs, Outputs


def _tagging(kind: str) -> Tagging:
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
    tagging=_tagging("cluster"),
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
    tagging=_tagging("db"),
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


_MANAGED = "Managed by Pulumi"


class Described(AwsDriver):
    """A resource whose description is required by RDS and optional in a program."""

    def _named(self, name: str, inputs: Inputs) -> Inputs:
        return super()._named(name, {"description": _MANAGED, **inputs})


def _parameter_group(kind: str, create: str, modify: str, delete: str, read: str) -> AwsDriver:
    cluster = "Cluster" if "cluster" in create else ""
    name = f"DB{cluster}ParameterGroupName"

    def named(subject: Subject) -> dict[str, str]:
        return {name: subject.id}

    def set_parameters(subject: Subject) -> None:
        # RDS takes 20 parameters a call.
        wanted = [
            {
                "ParameterName": parameter["name"],
                "ParameterValue": text(parameter["value"]),
                "ApplyMethod": parameter.get("applyMethod") or "immediate",
            }
            for parameter in subject.inputs.get("parameters") or ()
        ]
        for start in range(0, len(wanted), 20):
            getattr(subject.api, modify)(**named(subject), Parameters=wanted[start : start + 20])
        left = {p["name"] for p in subject.before.get("parameters") or ()}
        left -= {p["ParameterName"] for p in wanted}
        if left:
            reset = getattr(subject.api, modify.replace("modify", "reset"))
            reset(
                **named(subject),
                Parameters=[
                    {"ParameterName": p, "ApplyMethod": "pending-reboot"} for p in sorted(left)
                ],
            )

    return Described(
        service="rds",
        prefix="DB",
        create_by=Call(
            create,
            takes=("name", "family", "description"),
            rename={"name": name, "family": "DBParameterGroupFamily"},
        ),
        read_by=Call(read, given=named),
        updates=(Step({"parameters"}, set_parameters),),
        delete_by=(Call(delete, given=named),),
        id_is=f"DB{cluster}ParameterGroup.{name}",
        outputs_are={"arn": f"DB{cluster}ParameterGroups[0].DB{cluster}ParameterGroupArn"},
        named="name",
        tagging=_tagging(kind),
        replaced_by=frozenset({"name", "namePrefix", "family", "description"}),
        steering=frozenset({"skipDestroy"}),
    )


CLUSTER_PARAMETER_GROUP = _parameter_group(
    "cluster-pg",
    "create_db_cluster_parameter_group",
    "modify_db_cluster_parameter_group",
    "delete_db_cluster_parameter_group",
    "describe_db_cluster_parameter_groups",
)
PARAMETER_GROUP = _parameter_group(
    "pg",
    "create_db_parameter_group",
    "modify_db_parameter_group",
    "delete_db_parameter_group",
    "describe_db_parameter_groups",
)


def _subnet_group(subject: Subject) -> dict[str, str]:
    return {"DBSubnetGroupName": subject.id}


def _change_subnet_group(subject: Subject) -> None:
    wanted = {
        **_subnet_group(subject),
        "DBSubnetGroupDescription": subject.inputs.get("description") or _MANAGED,
        "SubnetIds": subject.inputs["subnetIds"],
    }
    subject.api.modify_db_subnet_group(**wanted)
    # moto 5.2 forgets the group it has modified.
    try:
        subject.api.describe_db_subnet_groups(**_subnet_group(subject))
    except ClientError as error:
        if not gone(error):
            raise
        tags = [{"Key": key, "Value": value} for key, value in subject.tags.items()]
        subject.api.create_db_subnet_group(**wanted, Tags=tags)


_SUBNET_GROUP_NAMES = {"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"}
SUBNET_GROUP = Described(
    service="rds",
    create_by=Call("create_db_subnet_group", rename=_SUBNET_GROUP_NAMES),
    read_by=Call("describe_db_subnet_groups", given=_subnet_group),
    updates=(Step({"subnetIds", "description"}, _change_subnet_group),),
    delete_by=(Call("delete_db_subnet_group", given=_subnet_group),),
    id_is="DBSubnetGroup.DBSubnetGroupName",
    outputs_are={
        "arn": "DBSubnetGroups[0].DBSubnetGroupArn",
        "vpcId": "DBSubnetGroups[0].VpcId",
        "description": "DBSubnetGroups[0].DBSubnetGroupDescription",
    },
    named="name",
    tagging=_tagging("subgrp"),
    replaced_by=frozenset({"name", "namePrefix"}),
)


def _subscription(subject: Subject) -> dict[str, str]:
    return {"SubscriptionName": subject.id}


_SUBSCRIPTION_NAMES = {"name": "SubscriptionName", "snsTopic": "SnsTopicArn"}
EVENT_SUBSCRIPTION = AwsDriver(
    service="rds",
    create_by=Call("create_event_subscription", rename=_SUBSCRIPTION_NAMES),
    read_by=Call("describe_event_subscriptions", given=_subscription),
    updates=(
        Call(
            "modify_event_subscription",
            given=_subscription,
            takes=("snsTopic", "sourceType", "eventCategories", "enabled"),
            rename=_SUBSCRIPTION_NAMES,
        ),
    ),
    delete_by=(Call("delete_event_subscription", given=_subscription),),
    id_is="EventSubscription.CustSubscriptionId",
    outputs_are={"arn": "EventSubscriptionsList[0].EventSubscriptionArn"},
    named="name",
    tagging=_tagging("es"),
    replaced_by=frozenset({"name", "namePrefix", "sourceIds"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:rds/cluster:Cluster": CLUSTER,
    "aws:rds/clusterInstance:ClusterInstance": CLUSTER_INSTANCE,
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": CLUSTER_PARAMETER_GROUP,
    "aws:rds/parameterGroup:ParameterGroup": PARAMETER_GROUP,
    "aws:rds/subnetGroup:SubnetGroup": SUBNET_GROUP,
    "aws:rds/eventSubscription:EventSubscription": EVENT_SUBSCRIPTION,
}
