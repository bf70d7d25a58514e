"""A cell's network: its ranges, ways out, and record of who talked to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pulumi
import pulumi_aws as aws

from catalog.subnets import layout
from components.aws.endpoints import Endpoints
from components.aws.flow_logs import FlowLogs

if TYPE_CHECKING:
    from catalog.cell import CellNetwork

Tier = Literal["public", "private", "isolated"]


class Network(pulumi.ComponentResource):
    """A VPC with public, private and isolated subnets in two or three zones.

    Lists of subnets and private route tables are in the order of `zones`. Private subnets reach
    out through NAT; isolated ones have no route but the VPC's own, in one route table. Raises
    ValueError when the range does not fit, see `catalog.subnets.layout`.
    """

    vpc_id: pulumi.Output[str]
    cidr: pulumi.Output[str]
    public_subnet_ids: list[pulumi.Output[str]]
    private_subnet_ids: list[pulumi.Output[str]]
    isolated_subnet_ids: list[pulumi.Output[str]]
    private_route_table_ids: list[pulumi.Output[str]]
    isolated_route_table_ids: list[pulumi.Output[str]]
    endpoint_security_group_id: pulumi.Output[str]
    flow_log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: CellNetwork,
        *,
        zones: tuple[str, ...],
        region: str,
        key_arn: pulumi.Input[str],
        log_retention_days: int,
        cluster_name: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Network", name, None, opts)
        self._name = name
        self._zones = zones
        self._child = pulumi.ResourceOptions(parent=self)
        ranges = layout(spec.cidr, len(zones))
        self._vpc = self._declare_vpc(spec.cidr, cluster_name)
        public = self._subnets("public", ranges.public, {"kubernetes.io/role/elb": "1"})
        private = self._subnets(
            "private",
            ranges.private,
            {"kubernetes.io/role/internal-elb": "1", "karpenter.sh/discovery": cluster_name},
        )
        isolated = self._subnets("isolated", ranges.isolated, {})
        gateway = self._route_public(public)
        gateways = self._nat_gateways(spec.nat, public, gateway)
        private_tables = self._route_private(private, gateways)
        isolated_table = self._route_table("isolated", isolated)
        flow_logs = FlowLogs(
            f"{name}-flow-logs",
            vpc=self._vpc,
            owner=cluster_name,
            key_arn=key_arn,
            log_retention_days=log_retention_days,
            opts=self._child,
        )
        endpoints = Endpoints(
            f"{name}-endpoints",
            spec,
            account=self._vpc.owner_id,
            vpc_id=self._vpc.id,
            region=region,
            subnet_ids=[subnet.id for subnet in private],
            route_table_ids=[table.id for table in private_tables],
            opts=self._child,
        )
        self.vpc_id = self._vpc.id
        self.cidr = self._vpc.cidr_block
        self.public_subnet_ids = [subnet.id for subnet in public]
        self.private_subnet_ids = [subnet.id for subnet in private]
        self.isolated_subnet_ids = [subnet.id for subnet in isolated]
        self.private_route_table_ids = [table.id for table in private_tables]
        self.isolated_route_table_ids = [isolated_table.id]
        self.endpoint_security_group_id = endpoints.security_group_id
        self.flow_log_group_name = flow_logs.log_group_name
        self.register_outputs({"vpc_id": self.vpc_id, "cidr": self.cidr})

    def _declare_vpc(self, cidr: str, label: str) -> aws.ec2.Vpc:
        vpc = aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=cidr,
            enable_dns_support=True,
            # Interface endpoints answer under the services' own names only with host names on.
            enable_dns_hostnames=True,
            enable_network_address_usage_metrics=True,
            tags={"Name": label},
            opts=self._child,
        )
        # Whatever forgets to name its security group ends up here, and reaches nothing.
        aws.ec2.DefaultSecurityGroup(
            f"{self._name}-default", vpc_id=vpc.id, ingress=[], egress=[], opts=self._child
        )
        return vpc

    def _subnets(
        self, tier: Tier, ranges: tuple[str, ...], tags: dict[str, str]
    ) -> list[aws.ec2.Subnet]:
        return [
            aws.ec2.Subnet(
                f"{self._name}-{tier}-{zone[-1]}",
                vpc_id=self._vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
                tags={"Name": f"{tier}-{zone}", **tags},
                opts=self._child,
            )
            for zone, cidr in zip(self._zones, ranges, strict=True)
        ]

    def _route_table(self, part: str, subnets: list[aws.ec2.Subnet]) -> aws.ec2.RouteTable:
        table = aws.ec2.RouteTable(
            f"{self._name}-{part}-routes",
            vpc_id=self._vpc.id,
            tags={"Name": part},
            opts=self._child,
        )
        for zone, subnet in zip(self._zones, subnets, strict=False):
            suffix = part if len(subnets) == 1 else f"{part}-{zone[-1]}"
            aws.ec2.RouteTableAssociation(
                f"{self._name}-{suffix}-routes",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self._child,
            )
        return table

    def _route_public(self, subnets: list[aws.ec2.Subnet]) -> aws.ec2.InternetGateway:
        gateway = aws.ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=self._vpc.id, opts=self._child
        )
        aws.ec2.Route(
            f"{self._name}-public-out",
            route_table_id=self._route_table("public", subnets).id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=self._child,
        )
        return gateway

    def _nat_gateways(
        self,
        nat: Literal["per-zone", "single"],
        subnets: list[aws.ec2.Subnet],
        gateway: aws.ec2.InternetGateway,
    ) -> list[aws.ec2.NatGateway]:
        """The gateway that each zone uses, in the order of the zones."""
        declared: list[aws.ec2.NatGateway] = []
        for zone, subnet in zip(self._zones, subnets, strict=True):
            if nat == "single" and declared:
                break
            address = aws.ec2.Eip(
                f"{self._name}-nat-{zone[-1]}",
                domain="vpc",
                tags={"Name": f"nat-{zone}"},
                opts=self._child,
            )
            declared.append(
                aws.ec2.NatGateway(
                    f"{self._name}-nat-{zone[-1]}",
                    allocation_id=address.allocation_id,
                    subnet_id=subnet.id,
                    connectivity_type="public",
                    tags={"Name": f"nat-{zone}"},
                    # AWS refuses a NAT gateway in a VPC that has no internet gateway yet.
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
                )
            )
        return declared if nat == "per-zone" else declared * len(subnets)

    def _route_private(
        self, subnets: list[aws.ec2.Subnet], gateways: list[aws.ec2.NatGateway]
    ) -> list[aws.ec2.RouteTable]:
        """One table a zone, so that going from one NAT gateway to more only edits routes."""
        tables = []
        for zone, subnet, gateway in zip(self._zones, subnets, gateways, strict=True):
            table = self._route_table(f"private-{zone[-1]}", [subnet])
            aws.ec2.Route(
                f"{self._name}-private-{zone[-1]}-out",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateway.id,
                opts=self._child,
            )
            tables.append(table)
        return tables
