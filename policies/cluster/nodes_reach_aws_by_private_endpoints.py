"""STS, SSM, EC2, EKS, ECR and logs have private endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import VPC, VPC_ENDPOINT
from policies.rule import Rule, Verdict
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

NEEDED = ("sts", "ssm", "ec2", "eks", "ecr.api", "ecr.dkr", "logs")


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Endpoints that are missing, or that names do not lead to."""
    interfaces = {
        str(each.inputs.get("serviceName")): each
        for each in stack.of_type(VPC_ENDPOINT)
        if each.inputs.get("vpcEndpointType") == "Interface"
    }
    for network in stack.of_type(VPC):
        missing = [n for n in NEEDED if not any(s.endswith(f".{n}") for s in interfaces)]
        yield Verdict(network, f"no private endpoint for {', '.join(missing)}" if missing else "")
    for name, endpoint in interfaces.items():
        on = at(endpoint.inputs, "privateDnsEnabled")
        wrong = on is not True and on is not UNKNOWN
        yield Verdict(endpoint, f"privateDnsEnabled is {shown(on)} for {name}" if wrong else "")


RULE = Rule(
    __name__,
    severity="medium",
    why="Karpenter and its nodes can't start without them once the way out is down, and "
    "image pulls through NAT are billed by the byte.",
    remedy="Declare an interface endpoint with private DNS for each.",
    evaluate=evaluate,
)
