"""Every load balancer writes access logs to the cell's bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BALANCER
from policies.rule import Rule, differences, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(BALANCER, needed_in=("tenant",))
def evaluate(balancer: Resource, _: Stack) -> Iterator[str]:
    """Load balancers without a log."""
    yield from differences(balancer, {"accessLogs.enabled": True})
    if not at(balancer.inputs, "accessLogs.bucket"):
        yield "accessLogs.bucket is not set"


RULE = Rule(
    __name__,
    severity="medium",
    why="Who asked for what is known from nowhere else.",
    remedy="Enable accessLogs with the bucket that the cell exports.",
    evaluate=evaluate,
)
