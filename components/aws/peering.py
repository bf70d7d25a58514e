"""Two cells' networks, joined while a tenant is in both: the way itself and all it lets through."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from catalog.subnets import layout
from components.aws.database_access import PORT, range_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.cell import Cell

HTTPS = 443


@dataclass(frozen=True, kw_only=True)
class PeeringSide:
    """One cell as a side of a peering: what takes part, by its ids."""

    cell: Cell
    provider: aws.Provider
    vpc_id: pulumi.Input[str]
    private_route_table_ids: Sequence[pulumi.Input[str]]
    """In the order of the cell's zones."""
    isolated_route_table_id: pulumi.Input[str]
    node_security_group_id: pulumi.Input[str]
    runner_security_group_id: pulumi.Input[str]
    control_plane_security_group_id: pulumi.Input[str]
    database_security_group_ids: Mapping[str, pulumi.Input[str]]
    """Of the shared databases that the other cell is to reach, by their names in the cell."""

    @property
    def clients(self) -> tuple[str, ...]:
        """Where what dials a database is: nodes and runners; also the Kubernetes API itself."""
        return _fewest(layout(self.cell.network.cidr, len(self.cell.zones)).private)

    @property
    def databases(self) -> tuple[str, ...]:
        """Where databases are."""
        return _fewest(layout(self.cell.network.cidr, len(self.cell.zones)).isolated)


class Peering(pulumi.ComponentResource):
    """A peering of two cells' networks, accepted, with its routes and rules on both sides.

    Each side's resources are made by its own provider, so the cells may be of two accounts.
    """

    connection_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        requester: PeeringSide,
        accepter: PeeringSide,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Peering", name, None, opts)
        asking, asked = (
            pulumi.ResourceOptions(parent=self, provider=side.provider)
            for side in (requester, accepter)
        )
        connection = aws.ec2.VpcPeeringConnection(
            f"{name}-connection",
            vpc_id=requester.vpc_id,
            peer_vpc_id=accepter.vpc_id,
            peer_owner_id=accepter.cell.account,
            peer_region=accepter.cell.region,
            tags={"Name": name},
            opts=asking,
        )
        # Options and routes are refused before the other side has accepted: they take its id.
        accepted = aws.ec2.VpcPeeringConnectionAccepter(
            f"{name}-accepted",
            vpc_peering_connection_id=connection.id,
            auto_accept=True,
            tags={"Name": name},
            opts=asked,
        )
        aws.ec2.PeeringConnectionOptions(
            f"{name}-requester-options",
            vpc_peering_connection_id=accepted.id,
            requester={"allow_remote_vpc_dns_resolution": True},
            opts=asking,
        )
        aws.ec2.PeeringConnectionOptions(
            f"{name}-accepter-options",
            vpc_peering_connection_id=accepted.id,
            accepter={"allow_remote_vpc_dns_resolution": True},
            opts=asked,
        )
        for here, there in ((requester, accepter), (accepter, requester)):
            PeeringReach(
                f"{name}-in-{here.cell.name}",
                here=here,
                there=there,
                connection_id=accepted.id,
                opts=pulumi.ResourceOptions(parent=self, providers={"aws": here.provider}),
            )
        self.connection_id = connection.id
        self.register_outputs({"connection_id": self.connection_id})


class PeeringReach(pulumi.ComponentResource):
    """What one cell sends to the other through a peering, and what it lets in from there.

    A database may dial one of the other cell and be dialled by it, by the other cell's poolers and
    by its runners; those also reach the Kubernetes API, in which a tenant's slice is declared.
    Rules name ranges: a group of another region can't be named.
    """

    def __init__(
        self,
        name: str,
        *,
        here: PeeringSide,
        there: PeeringSide,
        connection_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:PeeringReach", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        tables = {
            f"private-{zone[-1]}": table
            for zone, table in zip(here.cell.zones, here.private_route_table_ids, strict=True)
        } | {"isolated": here.isolated_route_table_id}
        for part, table in tables.items():
            for cidr in (*there.clients, *there.databases):
                aws.ec2.Route(
                    f"{name}-{part}-to-{range_label(cidr)}",
                    route_table_id=table,
                    destination_cidr_block=cidr,
                    vpc_peering_connection_id=connection_id,
                    opts=self._child,
                )
        why = f"PostgreSQL of {there.cell.name}, while a tenant is in both cells."
        for client, group in (
            ("nodes", here.node_security_group_id),
            ("runners", here.runner_security_group_id),
        ):
            self._out(client, group, there.databases, why)
        self._in(
            "control-plane",
            here.control_plane_security_group_id,
            there.clients,
            HTTPS,
            f"Kubernetes API from runners of {there.cell.name}, while a tenant is in both cells.",
        )
        for database, group in sorted(here.database_security_group_ids.items()):
            self._out(database, group, there.databases, why)
            self._in(
                database,
                group,
                (*there.clients, *there.databases),
                PORT,
                f"PostgreSQL from {there.cell.name}, while a tenant is in both cells.",
            )
        self.register_outputs({})

    def _in(
        self, part: str, group: pulumi.Input[str], cidrs: Sequence[str], port: int, why: str
    ) -> None:
        for cidr in cidrs:
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-{part}-from-{range_label(cidr)}",
                security_group_id=group,
                description=why,
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                opts=self._child,
            )

    def _out(self, part: str, group: pulumi.Input[str], cidrs: Sequence[str], why: str) -> None:
        for cidr in cidrs:
            aws.vpc.SecurityGroupEgressRule(
                f"{self._name}-{part}-egress-to-{range_label(cidr)}",
                security_group_id=group,
                description=why,
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=PORT,
                to_port=PORT,
                opts=self._child,
            )


def _fewest(ranges: Sequence[str]) -> tuple[str, ...]:
    """The same addresses in as few ranges as they fit: each costs a route in every table."""
    found = ipaddress.collapse_addresses(ipaddress.IPv4Network(each) for each in ranges)
    return tuple(str(each) for each in found)
