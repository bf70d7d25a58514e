"""S3 and DynamoDB are reached through gateway endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import SUBNET, VPC, VPC_ENDPOINT
from policies.rule import Rule, Verdict
from policies.stack import at
from policies.subnets import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Endpoints that are missing, or that not every private subnet has."""
    private = {
        table.urn
        for each in stack.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
        if any(
            home.name.startswith("network-private-")
            for home in stack.referred(each, "subnetId", SUBNET)
        )
        for table in stack.referred(each, "routeTableId", TABLE)
    }
    for network in stack.of_type(VPC):
        for service in ("s3", "dynamodb"):
            endpoints = [
                each
                for each in stack.of_type(VPC_ENDPOINT)
                if str(at(each.inputs, "serviceName")).endswith(f".{service}")
                and at(each.inputs, "vpcEndpointType") == "Gateway"
            ]
            if not endpoints:
                yield Verdict(network, f"no gateway endpoint for {service}")
            for endpoint in endpoints:
                tables = {each.urn for each in stack.referred(endpoint, "routeTableIds", TABLE)}
                missing = len(private - tables)
                yield Verdict(
                    endpoint, f"{missing} private route tables do not lead to it" if missing else ""
                )


RULE = Rule(
    __name__,
    severity="medium",
    why="Their traffic would go through NAT, paid for by the byte, and stop when the way out does.",
    remedy="Declare both gateway endpoints and list every private route table.",
    evaluate=evaluate,
)
