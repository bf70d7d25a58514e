"""Flow logs record all traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, differences, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each("aws:ec2/flowLog:FlowLog", needed_in=("cell",))
def evaluate(log: Resource, _: Stack) -> Iterator[str]:
    """Logs of less, or of no network."""
    yield from differences(log, {"trafficType": "ALL"})
    if not at(log.inputs, "vpcId"):
        yield "vpcId is not set"


RULE = Rule(
    __name__,
    severity="medium",
    why="Rejected traffic alone does not show what left after a break-in.",
    remedy="Declare a flow log of the VPC with trafficType ALL.",
    evaluate=evaluate,
)
