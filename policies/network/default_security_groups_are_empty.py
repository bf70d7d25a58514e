"""The default security group is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, differences, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", needed_in=("cell",))
def evaluate(group: Resource, _: Stack) -> Iterator[str]:
    """Rules that it has; left out they would be kept as they are."""
    yield from differences(group, {"ingress": [], "egress": []})
    if not at(group.inputs, "vpcId"):
        yield "vpcId is not set"


RULE = Rule(
    __name__,
    severity="medium",
    why="Whatever is made without a group of its own lands in it, and would let its neighbours in.",
    remedy="Declare the VPC's default security group without rules.",
    evaluate=evaluate,
)
