"""A cell: one region's network, cluster, databases, VPN, backups and runners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_eks as eks

from catalog import names
from catalog.subnets import layout
from components.aws.alarm_topic import AlarmTopic
from components.aws.backup import BackupPlan
from components.aws.bucket import Bucket, BucketSpec
from components.aws.certificate import Certificate
from components.aws.ci_roles import deploy_role
from components.aws.cluster import Cluster
from components.aws.cluster_access import DEPLOYER
from components.aws.cluster_keys import interruptions_encrypt, nodes_encrypt
from components.aws.database import Database
from components.aws.database_monitoring import DatabaseMonitoring
from components.aws.duty_roles import DutyRoles
from components.aws.keys import Key, alarms_publish, logs_encrypt
from components.aws.load_balancer_logs import LoadBalancerLogs
from components.aws.log_archive import LogArchive
from components.aws.network import Network
from components.aws.restore_testing import RestoreTest
from components.aws.runner_webhook import RunnerWebhook
from components.aws.runners import Runners
from components.aws.shared_role import shared_role_arn
from components.aws.vpn import ClientVpn
from components.cluster_services import ClusterServices
from stacks.offers import organization_offer
from stacks.providers import aws_provider, kubernetes_provider

if TYPE_CHECKING:
    from catalog.catalog import Catalog, Ledger

LAST_DUMP_DAYS = 365
"""How long the last dump of a database that a tenant has left is kept."""

RUNNER_WORKFLOWS = ("deliver", "drift", "move-tenant", "restore-test")
"""Workflows whose jobs run inside the cell; all others need no network of ours."""


def deploy(catalog: Catalog, name: str, ledger: Ledger) -> dict[str, Any]:
    """Declare the cell; returns what it offers its tenants."""
    del ledger  # A cell is the same wherever its tenants are served.
    return _Program(catalog, name).deploy()


class _Program:
    """One run for one cell: what several steps need is made once and kept here."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        self.organization = catalog.organization
        self.cell = cell = catalog.cells[name]
        self.tags = catalog.tags(cell=cell)
        self.saml_metadata = catalog.saml_metadata
        self.offer = organization_offer()
        self.cluster_name = names.cluster(self.organization, cell)
        self.provider = aws_provider(
            "cell", account=cell.account, region=cell.region, tags=self.tags
        )
        self.here = pulumi.ResourceOptions(providers={"aws": self.provider})
        self.key = self._key("cell", self.here, cell.region)
        self.topic = AlarmTopic(
            "alarms",
            topic_name=f"{cell.name}-alarms",
            account=cell.account,
            email=self.organization.security_contact,
            key_arn=self.key.key_arn,
            opts=self.here,
        )
        self.network = Network(
            "network",
            cell.network,
            zones=cell.zones,
            region=cell.region,
            key_arn=self.key.key_arn,
            log_retention_days=self.organization.log_retention_days,
            cluster_name=self.cluster_name,
            opts=self.here,
        )

    def deploy(self) -> dict[str, Any]:
        vpn = self._vpn()
        runners = self._runners()
        cluster = self._cluster(vpn, runners)
        monitoring = DatabaseMonitoring(
            "database-monitoring",
            role_name=names.role(self.organization, self.cell, "database-monitoring"),
            account=self.cell.account,
            opts=self.here,
        )
        databases = {
            name: self._database(name, cluster, runners, monitoring) for name in self.cell.databases
        }
        self._backups(databases)
        services = self._services(cluster, databases)
        archive = self._archive(cluster, vpn, runners, databases)
        logs = LoadBalancerLogs(
            "load-balancer",
            bucket_name=f"{self.organization.name}-{self.cell.name}-load-balancer-logs",
            account=self.cell.account,
            retention_days=self.organization.archive_retention_days,
            opts=self.here,
        )
        dumps = Bucket(
            "backups",
            BucketSpec(versions_days=LAST_DUMP_DAYS, expiry_days=LAST_DUMP_DAYS),
            bucket_name=names.backup_bucket(self.organization, self.cell),
            key_arn=self.key.key_arn,
            account=self.cell.account,
            opts=self.here,
        )
        RunnerWebhook(
            "runners",
            project_name=runners.project_name,
            workflows=RUNNER_WORKFLOWS,
            # It fails until somebody has approved the connection to GitHub, and an update stops at
            # what fails: by then all else is there.
            opts=pulumi.ResourceOptions(
                providers={"aws": self.provider},
                depends_on=[cluster, services, *databases.values(), logs],
            ),
        )
        return {
            "vpc_id": self.network.vpc_id,
            "public_subnet_ids": self.network.public_subnet_ids,
            "private_subnet_ids": self.network.private_subnet_ids,
            "isolated_subnet_ids": self.network.isolated_subnet_ids,
            "private_route_table_ids": self.network.private_route_table_ids,
            "isolated_route_table_ids": self.network.isolated_route_table_ids,
            "cluster_name": cluster.cluster_name,
            "cluster_arn": cluster.cluster_arn,
            "kubeconfig": cluster.kubeconfig,
            "node_security_group_id": cluster.node_security_group_id,
            "control_plane_security_group_id": cluster.cluster_security_group_id,
            "load_balancer_security_group_id": cluster.load_balancer_security_group_id,
            "load_balancer_log_bucket": logs.bucket_name,
            "backup_bucket": dumps.bucket_name,
            "key_arn": self.key.key_arn,
            "monitoring_role_arn": monitoring.role_arn,
            "event_topic_arn": self.topic.topic_arn,
            "runner_label": runners.label,
            "log_archive": {
                "stream_arn": archive.stream_arn,
                "role_arn": archive.subscriber_role_arn,
            },
            "runner_security_group_id": runners.security_group_id,
            "databases": {
                name: {
                    "writer_endpoint": database.writer_endpoint,
                    "reader_endpoint": database.reader_endpoint,
                    "port": database.port,
                    "security_group_id": database.security_group_id,
                    "master_secret_arn": database.master_secret_arn,
                }
                for name, database in databases.items()
            },
        }

    def _key(self, name: str, opts: pulumi.ResourceOptions, region: str) -> Key:
        account = self.cell.account
        return Key(
            f"{name}-key",
            alias=f"{self.cell.name}/{name}",
            description=f"Everything of {self.cell.name} that is no tenant's",
            account=account,
            statements=[
                logs_encrypt(account, region),
                *alarms_publish(account),
                *nodes_encrypt(account),
                *interruptions_encrypt(account),
            ],
            opts=opts,
        )

    def _vpn(self) -> ClientVpn:
        hostname = f"vpn.{names.cell_domain(self.organization, self.cell)}"
        certificate = Certificate(
            "vpn-certificate",
            hostnames=(hostname,),
            zone_id=self.offer.zone_id,
            zone_provider=aws_provider(
                "dns",
                account=self.organization.accounts.management,
                region=self.organization.home_region,
                tags=self.tags,
                role_arn=shared_role_arn(self.organization, "dns"),
            ),
            opts=self.here,
        )
        return ClientVpn(
            "vpn",
            self.cell.vpn,
            vpn_name=f"{self.organization.name}-{self.cell.name}-vpn",
            server_certificate_arn=certificate.certificate_arn,
            vpc_id=self.network.vpc_id,
            network_cidr=self.cell.network.cidr,
            subnet_ids=self.network.private_subnet_ids,
            saml_metadata=self.saml_metadata,
            groups=self.organization.groups,
            key_arn=self.key.key_arn,
            log_retention_days=self.organization.log_retention_days,
            opts=self.here,
        )

    def _runners(self) -> Runners:
        return Runners(
            "runners",
            project_name=f"{self.cell.name}-runners",
            role_name=names.role(self.organization, self.cell, "runners"),
            repository=self.organization.repository,
            account=self.cell.account,
            region=self.cell.region,
            vpc_id=self.network.vpc_id,
            vpc_cidr=self.cell.network.cidr,
            subnet_ids=self.network.private_subnet_ids,
            key_arn=self.key.key_arn,
            log_retention_days=self.organization.log_retention_days,
            opts=self.here,
        )

    def _cluster(self, vpn: ClientVpn, runners: Runners) -> Cluster:
        duties = DutyRoles("duties", organization=self.organization, cell=self.cell, opts=self.here)
        deployer = deploy_role(self.organization, self.cell.environment)
        return Cluster(
            "cluster",
            self.cell.kubernetes,
            cluster_name=self.cluster_name,
            account=self.cell.account,
            zones=self.cell.zones,
            vpc_id=self.network.vpc_id,
            vpc_cidr=self.cell.network.cidr,
            private_subnet_ids=self.network.private_subnet_ids,
            key_arn=self.key.key_arn,
            access={
                **duties.role_arns,
                DEPLOYER: f"arn:aws:iam::{self.cell.account}:role/{deployer}",
            },
            log_retention_days=self.organization.log_retention_days,
            api_clients={"vpn": vpn.security_group_id, "runners": runners.security_group_id},
            node_tags=self.tags,
            # Nodes start, and above all end, only while there is a way to AWS' own endpoints.
            nodes_after=[self.network],
            opts=pulumi.ResourceOptions(
                providers={"aws": self.provider, "eks": eks.Provider("eks")}
            ),
        )

    def _database(
        self, name: str, cluster: Cluster, runners: Runners, monitoring: DatabaseMonitoring
    ) -> Database:
        return Database(
            name,
            self.cell.databases[name],
            identifier=names.database_cluster(self.cell, name),
            vpc_id=self.network.vpc_id,
            subnet_ids=self.network.isolated_subnet_ids,
            zones=self.cell.zones,
            key_arn=self.key.key_arn,
            # Pods, and the updates that declare tenants' databases.
            client_security_groups={
                "nodes": cluster.node_security_group_id,
                "runners": runners.security_group_id,
            },
            peer_cidrs=layout(self.cell.network.cidr, len(self.cell.zones)).isolated,
            monitoring_role_arn=monitoring.role_arn,
            event_topic_arn=self.topic.topic_arn,
            log_retention_days=self.organization.log_retention_days,
            opts=self.here,
        )

    def _backups(self, databases: dict[str, Database]) -> None:
        """Back up every database of the cell, dedicated ones too: they all carry its tag."""
        settings = list(self.cell.databases.values())
        region = settings[0].backup_region
        there = aws_provider("backups", account=self.cell.account, region=region, tags=self.tags)
        copy_key = self._key("backups", pulumi.ResourceOptions(providers={"aws": there}), region)
        plan = BackupPlan(
            "backups",
            plan_name=self.cell.name,
            role_name=names.role(self.organization, self.cell, "backup"),
            account=self.cell.account,
            key_arn=self.key.key_arn,
            copy_region_provider=there,
            copy_key_arn=copy_key.key_arn,
            retention_days=max(each.backup_retention_days for each in settings),
            selected_by={"cell": self.cell.name},
            event_topic_arn=self.topic.topic_arn,
            opts=self.here,
        )
        database = next(iter(databases.values()))
        RestoreTest(
            "restore-test",
            plan_name=self.cell.name,
            role_name=names.role(self.organization, self.cell, "restore-test"),
            account=self.cell.account,
            vault_arn=plan.vault_arn,
            selected_by={"cell": self.cell.name},
            subnet_group_name=database.subnet_group_name,
            security_group_id=database.security_group_id,
            opts=self.here,
        )

    def _archive(
        self,
        cluster: Cluster,
        vpn: ClientVpn,
        runners: Runners,
        databases: dict[str, Database],
    ) -> LogArchive:
        """Keep for years what tells who did what and who talked to whom."""
        return LogArchive(
            "logs",
            organization=self.organization,
            cell=self.cell,
            log_groups={
                "cluster": cluster.log_group_name,
                "flow": self.network.flow_log_group_name,
                "runners": runners.log_group_name,
                "vpn": vpn.log_group_name,
                **{
                    f"database-{name}-{log}": group
                    for name, database in databases.items()
                    for log, group in database.log_group_names.items()
                },
            },
            archive_key_arn=self.offer.archive_key_arn,
            key_arn=self.key.key_arn,
            event_topic_arn=self.topic.topic_arn,
            opts=self.here,
        )

    def _services(self, cluster: Cluster, databases: dict[str, Database]) -> ClusterServices:
        inside = kubernetes_provider(
            "cluster",
            cluster_name=self.cluster_name,
            kubeconfig=cluster.kubeconfig,
            opts=pulumi.ResourceOptions(depends_on=cluster.ready),
        )
        return ClusterServices(
            "services",
            self.cell,
            organization=self.organization,
            cluster=cluster,
            vpc_id=self.network.vpc_id,
            private_subnet_ids=self.network.private_subnet_ids,
            key_arn=self.key.key_arn,
            databases=databases,
            tags=self.tags,
            opts=pulumi.ResourceOptions(providers={"aws": self.provider, "kubernetes": inside}),
        )
