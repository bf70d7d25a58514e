"""Runners run inside the cell's private subnets, and nothing comes in to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import CODE_BUILD, INGRESS_RULE, SECURITY_GROUP, SUBNET
from policies.rule import Rule, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(CODE_BUILD, needed_in=("cell",))
def evaluate(project: Resource, stack: Stack) -> Iterator[str]:
    """Runners elsewhere, and rules that let something in."""
    homes = stack.referred(project, "vpcConfig.subnets", SUBNET)
    if not at(project.inputs, "vpcConfig.subnets"):
        yield "vpcConfig.subnets is not set"
    for home in homes:
        if not home.name.startswith("network-private-"):
            yield f"it runs in {home.name}"
    groups = stack.referred(project, "vpcConfig.securityGroupIds", SECURITY_GROUP)
    for rule in stack.of_type(INGRESS_RULE):
        if any(each in groups for each in stack.referred(rule, "securityGroupId", SECURITY_GROUP)):
            yield f"{rule.name} lets something in"


RULE = Rule(
    __name__,
    severity="medium",
    why="A runner holds the deploy role's credentials; who reaches it, deploys.",
    remedy="Put the project's vpcConfig into private subnets, with a security group that "
    "lets nothing in.",
    evaluate=evaluate,
)
