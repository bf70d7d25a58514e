"""Ways from a cell's network to AWS that never leave AWS's own network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pulumi
import pulumi_aws as aws

from components.aws.policy_document import policy_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.cell import CellNetwork

GATEWAY_SERVICES = ("s3", "dynamodb")
"""Free of charge, and by far the most of what would go through NAT: images lie in S3."""

AGENT_SERVICE = "guardduty-data"
"""Where GuardDuty's agent sends what it sees on a node; there is no other way than an endpoint."""

ESSENTIAL_SERVICES = (
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    AGENT_SERVICE,
    "logs",
    # The job that prepares a database reads the master password, and may go nowhere else.
    "secretsmanager",
    "ssm",
    "sts",
)
"""What a node joins, pulls, gets its identity and reports by.

Not here: `ec2messages` and `ssmmessages`, which carry shells on nodes, and nodes have none.
"""

FURTHER_SERVICES = ("elasticloadbalancing", "kms", "monitoring", "rds", "sqs")
"""What controllers and pods call besides; with these too, a cell runs without NAT."""


def services(choice: Literal["full", "essential"]) -> tuple[str, ...]:
    """The services that have an interface endpoint."""
    return ESSENTIAL_SERVICES if choice == "essential" else ESSENTIAL_SERVICES + FURTHER_SERVICES


class Endpoints(pulumi.ComponentResource):
    """Gateway endpoints in the route tables, interface endpoints in all subnets or the first.

    Only addresses of the VPC's own range get through to the interface endpoints, on port 443.
    """

    security_group_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: CellNetwork,
        *,
        account: pulumi.Input[str],
        vpc_id: pulumi.Input[str],
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
            cidr_ipv4=spec.cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=child,
        )
        in_all_zones = spec.endpoints == "full"
        for service in services(spec.endpoints):
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=vpc_id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(subnet_ids if in_all_zones else subnet_ids[:1]),
                policy=_own_account(account) if service == AGENT_SERVICE else None,
                security_group_ids=[group.id],
                tags={"Name": service},
                opts=child,
            )
        self.security_group_id = group.id
        self.register_outputs({"security_group_id": self.security_group_id})


def _own_account(account: pulumi.Input[str]) -> pulumi.Output[str]:
    """A policy that lets in this account's roles only.

    Otherwise what an intruder sends as another account's would count there, not here. Source:
    https://docs.aws.amazon.com/guardduty/latest/ug/eksrunmon-prereq-deploy-security-agent.html
    """
    return policy_document(
        [
            {
                "Sid": "OwnAccount",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalAccount": account}},
            }
        ]
    )
