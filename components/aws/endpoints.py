"""Ways from a cell's network to AWS that never leave AWS's own network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

GATEWAY_SERVICES = ("s3", "dynamodb")
"""Free of charge, and by far the most of what would go through NAT: images lie in S3."""

INTERFACE_SERVICES = (
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticloadbalancing",
    "kms",
    "logs",
    "monitoring",
    "rds",
    "secretsmanager",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
)
"""What nodes, the cluster's controllers and pods call; with these, a cell runs without NAT."""


class Endpoints(pulumi.ComponentResource):
    """Gateway endpoints in the route tables, interface endpoints in the subnets.

    Only addresses of the VPC's own range get through to the interface endpoints, on port 443.
    """

    security_group_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        vpc_id: pulumi.Input[str],
        cidr: str,
        region: str,
        subnet_ids: Sequence[pulumi.Output[str]],
        route_table_ids: Sequence[pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Endpoints", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for service in GATEWAY_SERVICES:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=vpc_id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Gateway",
                route_table_ids=list(route_table_ids),
                tags={"Name": service},
                opts=child,
            )
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=vpc_id,
            description="Interface endpoints.",
            tags={"Name": "endpoints"},
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-from-vpc",
            security_group_id=group.id,
            description="TLS from the VPC.",
            cidr_ipv4=cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=child,
        )
        for service in INTERFACE_SERVICES:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=vpc_id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(subnet_ids),
                security_group_ids=[group.id],
                tags={"Name": service},
                opts=child,
            )
        self.security_group_id = group.id
        self.register_outputs({"security_group_id": self.security_group_id})
