"""A tenant's slice: what one tenant owns inside one cell, but for its databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from catalog import names
from catalog.subnets import layout
from components.aws.bucket import Bucket, BucketSpec
from components.aws.certificate import Certificate
from components.aws.firewall import Firewall
from components.aws.ingress import TenantIngress
from components.aws.listener_rules import Route
from components.aws.tenant_secret import Secret
from components.aws.workload_role import WorkloadRole
from components.children import child_options
from components.kubernetes.access import CompanyAccess
from components.kubernetes.database_secret import DatabaseSecret
from components.kubernetes.namespace import TenantNamespace
from components.kubernetes.network_policies import NetworkPolicies
from components.kubernetes.pooler import Pooler
from components.kubernetes.target_group_binding import TargetGroupBinding
from components.kubernetes.workload import Workload
from components.slice_parts import CellParts, DatabaseAddress, connection, own_rights

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi_aws as aws

    from catalog.base import AllowList
    from catalog.cell import Cell
    from catalog.organization import Organization
    from catalog.tenant import Retained, Tenant


class Slice(pulumi.ComponentResource):
    """Namespace, ingress, bucket, secret, identities, pooler and services of a tenant in a cell.

    One that is not `serving`, because a move goes there or has come from there, can be dropped by
    the next update: AWS' deletion protection is off, and so is the engine's, which otherwise
    refuses to let go even of what stays in the cloud. Bucket, secret and key do stay. The pooler
    may reach the databases of all `database_cells`, as the one that serves is in one of them.
    Bucket and secret that are `retained` from an earlier stay in the cell are taken over.
    """

    load_balancer_dns_name: pulumi.Output[str]
    load_balancer_zone_id: pulumi.Output[str]
    bucket_name: pulumi.Output[str]
    secret_name: pulumi.Output[str]
    namespace: pulumi.Output[str]
    pooler_host: pulumi.Output[str]
    firewall_log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: Tenant,
        *,
        organization: Organization,
        cell: Cell,
        parts: CellParts,
        database: DatabaseAddress,
        allow_list: AllowList,
        key_arn: pulumi.Input[str],
        zone_id: pulumi.Input[str],
        zone_provider: aws.Provider,
        database_cells: Sequence[Cell],
        serving: bool,
        retained: Retained | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:tenant:Slice", name, None, opts)
        self._name = name
        self._spec = spec
        self._organization = organization
        self._cell = cell
        self._parts = parts
        self._key_arn = key_arn
        self._database_cells = database_cells
        self._child = child_options(self, opts)
        bucket = Bucket(
            f"{name}-objects",
            BucketSpec(versions_days=spec.retention.objects_days),
            bucket_name=names.bucket(organization, cell, spec.name),
            key_arn=key_arn,
            account=cell.account,
            protect=serving,
            adopt=retained is not None and retained.bucket is not None,
            opts=self._child,
        )
        ingress, firewall = self._ingress(allow_list, zone_id, zone_provider, serving)
        namespace, pooler, database_secret = self._namespace(database)
        secret = Secret(
            f"{name}-secret",
            secret_name=names.secret(cell, spec.name, "database"),
            description=f"How {spec.display_name} reaches its database",
            key_arn=key_arn,
            value=connection(database, pooler.host, pooler.port),
            accounts=[cell.account],
            protect=serving,
            adopt=retained.secret_arn if retained is not None else None,
            opts=self._child,
        )
        for service in spec.services:
            self._service(service, namespace, database_secret, ingress)
            self._identity(service, bucket.bucket_arn, secret.secret_arn, key_arn)
        self.load_balancer_dns_name = ingress.dns_name
        self.load_balancer_zone_id = ingress.zone_id
        self.bucket_name = bucket.bucket_name
        self.secret_name = secret.secret_name
        self.namespace = namespace.namespace_name
        self.pooler_host = pooler.host
        self.firewall_log_group_name = firewall.log_group_name
        self.register_outputs(
            {
                "load_balancer_dns_name": self.load_balancer_dns_name,
                "load_balancer_zone_id": self.load_balancer_zone_id,
                "bucket_name": self.bucket_name,
                "secret_name": self.secret_name,
                "namespace": self.namespace,
                "pooler_host": self.pooler_host,
            }
        )

    def _ingress(
        self,
        allow_list: AllowList,
        zone_id: pulumi.Input[str],
        zone_provider: aws.Provider,
        serving: bool,
    ) -> tuple[TenantIngress, Firewall]:
        spec, parts = self._spec, self._parts
        certificate = Certificate(
            f"{self._name}-certificate",
            hostnames=spec.hostnames,
            zone_id=zone_id,
            zone_provider=zone_provider,
            opts=self._child,
        )
        load_balancer_name = names.load_balancer(self._cell, spec.name)
        ingress = TenantIngress(
            f"{self._name}-ingress",
            load_balancer_name=load_balancer_name,
            hostnames=spec.hostnames,
            routes=tuple(
                Route(
                    service=service,
                    path=settings.path,
                    port=settings.port,
                    health_path=settings.health_path,
                )
                for service, settings in spec.services.items()
                if settings.path is not None
            ),
            allow_list=allow_list,
            vpc_id=parts.vpc_id,
            public_subnet_ids=parts.public_subnet_ids,
            certificate_arn=certificate.certificate_arn,
            log_bucket=parts.load_balancer_log_bucket,
            node_security_group_id=parts.node_security_group_id,
            load_balancer_security_group_id=parts.load_balancer_security_group_id,
            deletion_protection=serving,
            opts=self._child,
        )
        firewall = Firewall(
            f"{self._name}-firewall",
            acl_name=load_balancer_name,
            allow_list=allow_list,
            load_balancer_arn=ingress.load_balancer_arn,
            key_arn=self._key_arn,
            log_retention_days=spec.retention.logs_days,
            opts=self._child,
        )
        return ingress, firewall

    def _namespace(
        self, database: DatabaseAddress
    ) -> tuple[TenantNamespace, Pooler, DatabaseSecret]:
        name, spec, cell = self._name, self._spec, self._cell
        subnets = layout(cell.network.cidr, len(cell.zones))
        namespace = TenantNamespace(
            f"{name}-namespace",
            spec.quota,
            namespace=names.namespace(spec.name),
            tenant=spec.name,
            services=spec.services,
            kubernetes_version=cell.kubernetes.version,
            opts=self._child,
        )
        inside = namespace.namespace_name
        NetworkPolicies(
            f"{name}-network",
            spec.services,
            namespace=inside,
            load_balancer_networks=subnets.public,
            database_networks=[
                network
                for home in self._database_cells
                for network in layout(home.network.cidr, len(home.zones)).isolated
            ],
            endpoint_networks=subnets.private,
            opts=self._child,
        )
        CompanyAccess(f"{name}-access", spec.company, namespace=inside, opts=self._child)
        pooler = Pooler(
            f"{name}-pooler",
            spec.quota,
            tenant=spec.name,
            tier=spec.tier,
            namespace=inside,
            image=self._organization.address(self._organization.images.pgbouncer),
            writer_endpoint=database.writer_endpoint,
            reader_endpoint=database.reader_endpoint,
            database_port=database.port,
            database_name=database.database_name,
            application_role=database.application_role,
            application_password=database.application_password,
            opts=self._child,
        )
        database_secret = DatabaseSecret(
            f"{name}-database",
            tenant=spec.name,
            namespace=inside,
            pooler_host=pooler.host,
            pooler_port=pooler.port,
            database_name=database.database_name,
            application_role=database.application_role,
            application_password=database.application_password,
            opts=self._child,
        )
        return namespace, pooler, database_secret

    def _service(
        self,
        service: str,
        namespace: TenantNamespace,
        database_secret: DatabaseSecret,
        ingress: TenantIngress,
    ) -> None:
        spec = self._spec.services[service]
        workload = Workload(
            f"{self._name}-{service}",
            spec,
            service=service,
            tenant=self._spec.name,
            tier=self._spec.tier,
            namespace=namespace.namespace_name,
            registry=self._organization.registry,
            database_secret=database_secret.secret_name,
            database_checksum=database_secret.checksum,
            suspended=self._spec.suspended is not None,
            opts=self._child,
        )
        if spec.path is not None:
            TargetGroupBinding(
                f"{self._name}-{service}-target",
                spec,
                namespace=namespace.namespace_name,
                service_name=workload.service_name,
                target_group_arn=ingress.target_group_arns[service],
                opts=self._child,
            )

    def _identity(
        self,
        service: str,
        bucket_arn: pulumi.Output[str],
        secret_arn: pulumi.Output[str],
        key_arn: pulumi.Input[str],
    ) -> None:
        WorkloadRole(
            f"{self._name}-{service}-identity",
            role_name=names.role(self._organization, self._cell, self._spec.name, service),
            cluster_name=self._parts.cluster_name,
            cluster_arn=self._parts.cluster_arn,
            account=self._cell.account,
            namespace=names.namespace(self._spec.name),
            service_account=service,
            statements=own_rights(bucket_arn, secret_arn, key_arn),
            opts=self._child,
        )
