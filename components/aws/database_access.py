"""Who may reach a database over the network: named clients, and peers while a tenant moves."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PORT = 5432


class DatabaseAccess(pulumi.ComponentResource):
    """A database's security group: nothing gets in or out but what is named.

    `clients` maps a client's name to its security group; clients of another region have no group
    here, so they are ranges. Peers are ranges of other databases, allowed both ways because the
    target of a move dials the source, and back after the cutover.
    Raises ValueError for a peer that is every address there is.
    """

    security_group_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        identifier: str,
        vpc_id: pulumi.Input[str],
        clients: Mapping[str, pulumi.Input[str]],
        peer_cidrs: Sequence[str],
        client_cidrs: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:DatabaseAccess", name, None, opts)
        _check([*peer_cidrs, *client_cidrs])
        child = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=vpc_id,
            description=f"Database {identifier}.",
            tags={"Name": f"database-{identifier}"},
            opts=child,
        )
        for client, client_group in sorted(clients.items()):
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-from-{client}",
                security_group_id=group.id,
                description=f"PostgreSQL from {client}.",
                referenced_security_group_id=client_group,
                ip_protocol="tcp",
                from_port=PORT,
                to_port=PORT,
                opts=child,
            )
        let_in = dict.fromkeys(
            client_cidrs, "PostgreSQL from clients in the other cell of a move."
        ) | dict.fromkeys(peer_cidrs, "PostgreSQL from the other database of a move.")
        for cidr, why in sorted(let_in.items()):
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-from-{range_label(cidr)}",
                security_group_id=group.id,
                description=why,
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=PORT,
                to_port=PORT,
                opts=child,
            )
        for cidr in sorted(peer_cidrs):
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-to-{range_label(cidr)}",
                security_group_id=group.id,
                description="PostgreSQL to the other database of a move.",
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=PORT,
                to_port=PORT,
                opts=child,
            )
        self.security_group_id = group.id
        self.register_outputs({"security_group_id": self.security_group_id})


def _check(peer_cidrs: Sequence[str]) -> None:
    for cidr in peer_cidrs:
        if ipaddress.IPv4Network(cidr).prefixlen == 0:
            raise ValueError(f"{cidr} is every address there is; a peer is another cell's range")


def range_label(cidr: str) -> str:
    """A range as a resource's name can hold it."""
    return cidr.replace("/", "-")
