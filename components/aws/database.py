"""Aurora PostgreSQL clusters that tenants live in.

`docs/decisions/aurora-settings.md` says why each setting is as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from catalog.instance_sizes import max_connections
from catalog.names import fit
from components.aws.database_access import PORT, DatabaseAccess
from components.aws.database_alarms import DatabaseAlarms
from components.aws.database_events import DatabaseEvents
from components.aws.database_parameters import DatabaseParameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.cell import DatabaseSettings

ENGINE = aws.rds.EngineType.AURORA_POSTGRESQL
MASTER_USERNAME = "cluster_admin"
LOGS = ("iam-db-auth-error", "postgresql")
INSTANCE_LIMIT = 63
"""Characters in an instance's identifier."""
LAST_PROMOTION_TIER = 15
"""The last to be promoted; tiers run from 0, the first."""
MONITORING_SECONDS = 60
"""Enhanced monitoring's interval; shorter ones only help while someone looks."""
INSIGHTS_DAYS = 7
"""Performance Insights' retention that costs nothing."""
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
"""Valid until 2061; clients verify against AWS's global bundle."""

# UTC. Backups by the plan start at 05:00, an hour clear of both windows.
BACKUP_WINDOW = "01:00-02:00"
MAINTENANCE_WINDOW = "sun:02:30-sun:03:30"


class Database(pulumi.ComponentResource):
    """An encrypted Aurora PostgreSQL cluster: one writer, readers in other zones.

    RDS keeps the master password in Secrets Manager, so it never enters state. Clients are let in
    by name; `peer_cidrs` opens the way to the databases that tenants move from and to, and
    `client_cidrs` lets in clients of another cell, which have no name here.

    The cluster outlives its removal from the program, with what AWS would not delete under it; its
    instances go. The engine refuses that removal while `protect` is on: it goes off one update
    before.
    """

    identifier: pulumi.Output[str]
    resource_id: pulumi.Output[str]
    cluster_arn: pulumi.Output[str]
    writer_endpoint: pulumi.Output[str]
    reader_endpoint: pulumi.Output[str]
    port: pulumi.Output[int]
    security_group_id: pulumi.Output[str]
    subnet_group_name: pulumi.Output[str]
    master_secret_arn: pulumi.Output[str]
    log_group_names: dict[str, pulumi.Output[str]]
    """By the log that RDS exports, such as `postgresql`."""
    engine_version: str

    def __init__(
        self,
        name: str,
        spec: DatabaseSettings,
        *,
        identifier: str,
        vpc_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        zones: tuple[str, ...],
        key_arn: pulumi.Input[str],
        client_security_groups: Mapping[str, pulumi.Input[str]],
        peer_cidrs: Sequence[str] = (),
        client_cidrs: Sequence[str] = (),
        monitoring_role_arn: pulumi.Input[str],
        event_topic_arn: pulumi.Input[str],
        log_retention_days: int,
        protect: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Database", name, None, opts)
        self._name = name
        self._spec = spec
        self._identifier = identifier
        self._key_arn = key_arn
        self._protect = protect
        self._child = pulumi.ResourceOptions(parent=self)
        access = DatabaseAccess(
            f"{name}-access",
            identifier=identifier,
            vpc_id=vpc_id,
            clients=client_security_groups,
            peer_cidrs=peer_cidrs,
            client_cidrs=client_cidrs,
            opts=self._child,
        )
        parameters = DatabaseParameters(
            f"{name}-parameters",
            identifier=identifier,
            major=int(spec.engine_version.partition(".")[0]),
            connections=max_connections(spec),
            opts=self._child,
        )
        subnets = aws.rds.SubnetGroup(
            f"{name}-subnets",
            name=identifier,
            description=f"Isolated subnets of database {identifier}.",
            subnet_ids=list(subnet_ids),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        logs = self._log_groups(log_retention_days)
        cluster = self._cluster(access, parameters, subnets, logs)
        instances = self._instances(cluster, parameters, subnets, zones, monitoring_role_arn)
        DatabaseEvents(
            f"{name}-events",
            identifier=identifier,
            cluster=cluster,
            instances=instances,
            topic_arn=event_topic_arn,
            opts=self._child,
        )
        DatabaseAlarms(
            f"{name}-alarms",
            spec,
            identifier=identifier,
            topic_arn=event_topic_arn,
            opts=self._child,
        )
        self.identifier = cluster.cluster_identifier
        self.resource_id = cluster.cluster_resource_id
        self.cluster_arn = cluster.arn
        # A cluster has its names long before the instances that answer to them.
        self.writer_endpoint = _once_there(cluster.endpoint, instances[0])
        self.reader_endpoint = _once_there(cluster.reader_endpoint, instances[1])
        self.port = cluster.port
        self.security_group_id = access.security_group_id
        self.subnet_group_name = subnets.name
        self.master_secret_arn = cluster.master_user_secrets.apply(_secret_arn)
        self.log_group_names = {log: group.name for log, group in zip(LOGS, logs, strict=True)}
        self.engine_version = spec.engine_version
        self.register_outputs(
            {
                "identifier": self.identifier,
                "writer_endpoint": self.writer_endpoint,
                "reader_endpoint": self.reader_endpoint,
                "port": self.port,
            }
        )

    def _log_groups(self, retention_days: int) -> list[aws.cloudwatch.LogGroup]:
        """Made before RDS would make them itself, without a key and for ever."""
        return [
            aws.cloudwatch.LogGroup(
                f"{self._name}-log-{log}",
                name=f"/aws/rds/cluster/{self._identifier}/{log}",
                kms_key_id=self._key_arn,
                retention_in_days=retention_days,
                opts=self._child,
            )
            for log in LOGS
        ]

    def _cluster(
        self,
        access: DatabaseAccess,
        parameters: DatabaseParameters,
        subnets: aws.rds.SubnetGroup,
        logs: list[aws.cloudwatch.LogGroup],
    ) -> aws.rds.Cluster:
        serverless = self._spec.serverless
        return aws.rds.Cluster(
            f"{self._name}-cluster",
            cluster_identifier=self._identifier,
            engine=ENGINE,
            engine_version=self._spec.engine_version,
            engine_lifecycle_support="open-source-rds-extended-support",
            serverlessv2_scaling_configuration=None
            if serverless is None
            else {"min_capacity": serverless.minimum, "max_capacity": serverless.maximum},
            port=PORT,
            network_type="IPV4",
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[access.security_group_id],
            db_cluster_parameter_group_name=parameters.cluster_group_name,
            master_username=MASTER_USERNAME,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=self._key_arn,
            iam_database_authentication_enabled=True,
            storage_encrypted=True,
            kms_key_id=self._key_arn,
            deletion_protection=True,
            skip_final_snapshot=False,
            final_snapshot_identifier=f"{self._identifier}-final",
            copy_tags_to_snapshot=True,
            backup_retention_period=self._spec.backup_retention_days,
            delete_automated_backups=False,
            preferred_backup_window=BACKUP_WINDOW,
            preferred_maintenance_window=MAINTENANCE_WINDOW,
            allow_major_version_upgrade=False,
            apply_immediately=False,
            enabled_cloudwatch_logs_exports=list(LOGS),
            opts=pulumi.ResourceOptions(
                parent=self, protect=self._protect, retain_on_delete=True, depends_on=logs
            ),
        )

    def _instances(
        self,
        cluster: aws.rds.Cluster,
        parameters: DatabaseParameters,
        subnets: aws.rds.SubnetGroup,
        zones: tuple[str, ...],
        monitoring_role_arn: pulumi.Input[str],
    ) -> list[aws.rds.ClusterInstance]:
        """The writer first, then the readers, each in the next zone and next in line for writer."""
        instances: list[aws.rds.ClusterInstance] = []
        for index in range(1 + self._spec.readers):
            instance = aws.rds.ClusterInstance(
                f"{self._name}-instance-{index}",
                identifier=fit(f"{self._identifier}-{index}", INSTANCE_LIMIT),
                cluster_identifier=cluster.cluster_identifier,
                engine=ENGINE,
                instance_class=self._spec.instance_class or "db.serverless",
                availability_zone=zones[index % len(zones)],
                promotion_tier=min(index, LAST_PROMOTION_TIER),
                db_subnet_group_name=subnets.name,
                db_parameter_group_name=parameters.instance_group_name,
                publicly_accessible=False,
                ca_cert_identifier=CERTIFICATE_AUTHORITY,
                auto_minor_version_upgrade=True,
                preferred_maintenance_window=MAINTENANCE_WINDOW,
                copy_tags_to_snapshot=True,
                monitoring_interval=MONITORING_SECONDS,
                monitoring_role_arn=monitoring_role_arn,
                performance_insights_enabled=True,
                performance_insights_kms_key_id=self._key_arn,
                performance_insights_retention_period=INSIGHTS_DAYS,
                apply_immediately=False,
                # The first instance of a cluster is its writer. A reader may go when the catalog
                # asks for fewer; the cluster without any instance may not. An identifier is taken
                # until its instance is gone, so a reader's replacement comes after it.
                opts=pulumi.ResourceOptions(
                    parent=self,
                    protect=self._protect and index == 0,
                    delete_before_replace=True,
                    depends_on=instances[:1],
                ),
            )
            instances.append(instance)
        return instances


def _once_there(
    endpoint: pulumi.Output[str], instance: aws.rds.ClusterInstance
) -> pulumi.Output[str]:
    return pulumi.Output.all(endpoint, instance.id).apply(lambda both: str(both[0]))


def _secret_arn(secrets: Sequence[aws.rds.outputs.ClusterMasterUserSecret]) -> str:
    """The one secret that RDS manages; the master user never had a password of another kind."""
    (secret,) = secrets
    if secret.secret_arn is None:
        raise ValueError("RDS names no secret for the master user")
    return secret.secret_arn
