"""A tenant: a slice in each cell it is placed in, a database in each placement, and its route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from catalog import names
from catalog.catalog import placements, retained
from catalog.subnets import layout
from components.aws.database import Database
from components.aws.keys import Key, logs_encrypt
from components.aws.log_subscriptions import LogSubscriptions
from components.aws.shared_role import shared_role_arn
from components.postgresql.tenant_database import TenantDatabase
from components.prepared_database import PreparedDatabase
from components.slice import Slice
from components.slice_parts import DatabaseAddress
from stacks.offers import CellOffer, organization_offer
from stacks.providers import (
    aws_provider,
    kubernetes_provider,
    postgresql_provider,
    random_provider,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.catalog import Catalog, Ledger
    from catalog.cell import Cell
    from catalog.tenant import Placement, Tenant

PASSWORD_LENGTH = 40


def deploy(catalog: Catalog, name: str, ledger: Ledger) -> dict[str, Any]:
    """Declare the tenant's slices, databases and route; returns what the mover needs to know."""
    return _Program(catalog, catalog.tenants[name], ledger).deploy()


class _Program:
    """One run for one tenant: what several steps need is made once and kept here."""

    def __init__(self, catalog: Catalog, tenant: Tenant, ledger: Ledger) -> None:
        self.catalog = catalog
        self.tenant = tenant
        self.placements = placements(tenant, ledger)
        self.retained = retained(tenant, ledger)
        self.cells = {place.cell: catalog.cells[place.cell] for place in self.placements}
        self.offers = {name: CellOffer(cell) for name, cell in self.cells.items()}
        self.zone_id = organization_offer().zone_id
        self.password = random.RandomPassword(
            f"{tenant.name}-database-password",
            length=PASSWORD_LENGTH,
            # A new password is a rotation, which is a change of its own.
            opts=pulumi.ResourceOptions(protect=True, provider=random_provider("passwords")),
        )
        self.dns_provider = aws_provider(
            "dns",
            account=catalog.organization.accounts.management,
            region=catalog.organization.home_region,
            tags=catalog.tags(tenant=tenant),
            role_arn=shared_role_arn(catalog.organization, "dns"),
        )

    def deploy(self) -> dict[str, Any]:
        slices: dict[str, Slice] = {}
        keys: dict[str, Key] = {}
        databases: dict[str, DatabaseAddress] = {}
        serving = self.placements[0]
        for cell_name, cell in self.cells.items():
            provider = aws_provider(
                cell_name,
                account=cell.account,
                region=cell.region,
                tags=self.catalog.tags(cell=cell, tenant=self.tenant),
            )
            cluster = kubernetes_provider(
                f"{cell_name}-cluster",
                cluster_name=names.cluster(self.catalog.organization, cell),
                kubeconfig=self.offers[cell_name].kubeconfig,
            )
            inside = pulumi.ResourceOptions(providers={"aws": provider, "kubernetes": cluster})
            key = keys[cell_name] = self._key(cell, inside)
            here = [place for place in self.placements if place.cell == cell_name]
            for place in here:
                databases[_placement_name(place)] = self._database(place, cell, key, inside)
            # Every pooler leads to the database that serves, wherever a client comes in. The cell
            # that serves is the first one, so that its database is known by now.
            slices[cell_name] = self._slice(cell, key, databases[_placement_name(serving)], inside)
        self._route(slices[serving.cell])
        return {
            "serving": {"cell": serving.cell, "database": serving.database},
            "hostnames": list(self.tenant.hostnames),
            "zone_id": self.zone_id,
            "slices": {
                cell: {
                    "bucket": piece.bucket_name,
                    "secret": piece.secret_name,
                    "namespace": piece.namespace,
                    "pooler": piece.pooler_host,
                    "load_balancer": piece.load_balancer_dns_name,
                    "load_balancer_zone_id": piece.load_balancer_zone_id,
                    "key_arn": keys[cell].key_arn,
                }
                for cell, piece in slices.items()
            },
            "databases": {
                place: {
                    "writer_endpoint": address.writer_endpoint,
                    "reader_endpoint": address.reader_endpoint,
                    "port": address.port,
                    "database": address.database_name,
                }
                for place, address in databases.items()
            },
        }

    def _key(self, cell: Cell, inside: pulumi.ResourceOptions) -> Key:
        return Key(
            f"{self.tenant.name}-{cell.name}-key",
            alias=f"{cell.name}/{self.tenant.name}",
            description=f"Everything {self.tenant.display_name} keeps in {cell.name}",
            account=cell.account,
            statements=[logs_encrypt(cell.account, cell.region)],
            protect=self._serves(cell),
            adopt=here.key_id if (here := self.retained.get(cell.name)) else None,
            opts=inside,
        )

    def _database(
        self, place: Placement, cell: Cell, key: Key, inside: pulumi.ResourceOptions
    ) -> DatabaseAddress:
        name = f"{self.tenant.name}-{cell.name}-{place.database}"
        ready: list[pulumi.Resource] = []
        if place.dedicated is not None:
            settings = place.dedicated
            cluster, ready = self._dedicated(name, place, cell, key, inside)
            writer, reader, port = (
                cluster.writer_endpoint,
                cluster.reader_endpoint,
                cluster.port,
            )
        else:
            settings = cell.databases[place.database]
            writer, reader, port = self.offers[cell.name].database(place.database)
        provider = postgresql_provider(
            f"{cell.name}-{place.database}",
            cell=cell,
            engine_version=settings.engine_version,
            host=writer,
            port=port,
            opts=pulumi.ResourceOptions(depends_on=ready),
        )
        database = TenantDatabase(
            name,
            tenant=self.tenant.name,
            application_password=self.password.result,
            connection_limit=self.tenant.quota.database_connections,
            protect=place == self.placements[0],
            opts=pulumi.ResourceOptions(providers={"postgresql": provider}, depends_on=ready),
        )
        return DatabaseAddress(
            writer_endpoint=writer,
            reader_endpoint=reader,
            port=port,
            database_name=database.database_name,
            application_role=database.application_role,
            application_password=self.password.result,
        )

    def _dedicated(
        self,
        name: str,
        place: Placement,
        cell: Cell,
        key: Key,
        inside: pulumi.ResourceOptions,
    ) -> tuple[Database, list[pulumi.Resource]]:
        assert place.dedicated is not None
        offer = self.offers[cell.name]
        database_name = names.dedicated_database(self.tenant.name)
        database = Database(
            f"{name}-cluster",
            place.dedicated,
            identifier=names.database_cluster(cell, database_name),
            vpc_id=offer.vpc_id,
            subnet_ids=offer.isolated_subnet_ids,
            zones=cell.zones,
            key_arn=key.key_arn,
            client_security_groups={
                "nodes": offer.node_security_group_id,
                "runners": offer.runner_security_group_id,
            },
            peer_cidrs=[
                cidr
                for each in self.cells.values()
                for cidr in layout(each.network.cidr, len(each.zones)).isolated
            ],
            # Poolers and runners of the cell that a move goes to or comes from.
            client_cidrs=[
                cidr
                for each in self.cells.values()
                if each != cell
                for cidr in layout(each.network.cidr, len(each.zones)).private
            ],
            monitoring_role_arn=offer.monitoring_role_arn,
            event_topic_arn=offer.event_topic_arn,
            log_retention_days=self.tenant.retention.logs_days,
            protect=place == self.placements[0],
            opts=inside,
        )
        self._archive(name, cell, database.log_group_names, inside)
        prepared = PreparedDatabase(
            f"{name}-prepared",
            organization=self.catalog.organization,
            cell=cell,
            database=database,
            database_name=database_name,
            cluster_name=offer.cluster_name,
            cluster_arn=offer.cluster_arn,
            key_arn=key.key_arn,
            protect=place == self.placements[0],
            opts=inside,
        )
        return database, prepared.ready

    def _slice(
        self, cell: Cell, key: Key, database: DatabaseAddress, inside: pulumi.ResourceOptions
    ) -> Slice:
        name = f"{self.tenant.name}-{cell.name}"
        found = Slice(
            name,
            self.tenant,
            organization=self.catalog.organization,
            cell=cell,
            parts=self.offers[cell.name].parts,
            database=database,
            allow_list=self.catalog.tenant_allow_list(self.tenant, cell),
            key_arn=key.key_arn,
            zone_id=self.zone_id,
            zone_provider=self.dns_provider,
            database_cells=tuple(self.cells.values()),
            serving=self._serves(cell),
            retained=self.retained.get(cell.name),
            opts=inside,
        )
        self._archive(name, cell, {"firewall": found.firewall_log_group_name}, inside)
        return found

    def _archive(
        self,
        name: str,
        cell: Cell,
        log_groups: Mapping[str, pulumi.Output[str]],
        inside: pulumi.ResourceOptions,
    ) -> None:
        """Keep logs for years through the cell's stream."""
        LogSubscriptions(
            f"{name}-archive",
            log_groups=log_groups,
            stream_arn=self.offers[cell.name].log_stream_arn,
            role_arn=self.offers[cell.name].log_role_arn,
            opts=inside,
        )

    def _serves(self, cell: Cell) -> bool:
        """Whether the tenant is served from a cell; what it has elsewhere may be dropped later."""
        return cell.name == self.placements[0].cell

    def _route(self, serving: Slice) -> None:
        """Point every hostname at the slice that serves."""
        for hostname in self.tenant.hostnames:
            aws.route53.Record(
                f"{self.tenant.name}-route-{hostname}",
                zone_id=self.zone_id,
                name=hostname,
                type="A",
                aliases=[
                    {
                        "name": serving.load_balancer_dns_name,
                        "zone_id": serving.load_balancer_zone_id,
                        "evaluate_target_health": True,
                    }
                ],
                opts=pulumi.ResourceOptions(provider=self.dns_provider),
            )


def _placement_name(place: Placement) -> str:
    return f"{place.cell}/{place.database}"
