"""Every connection to the VPN is logged and archived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import LOG_GROUP, LOG_SUBSCRIPTION, VPN
from policies.rule import Rule, differences, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(VPN, needed_in=("cell",))
def evaluate(endpoint: Resource, stack: Stack) -> Iterator[str]:
    """Endpoints that keep no log, or only in the cell's account."""
    yield from differences(endpoint, {"connectionLogOptions.enabled": True})
    group = at(endpoint.inputs, "connectionLogOptions.cloudwatchLogGroup")
    if group is UNKNOWN:
        return
    if stack.found(group, LOG_GROUP) is None:
        yield f"connectionLogOptions.cloudwatchLogGroup is {shown(group)}"
    if group not in [at(each.inputs, "logGroup") for each in stack.of_type(LOG_SUBSCRIPTION)]:
        yield f"the log group {shown(group)} is not archived"


RULE = Rule(
    __name__,
    severity="medium",
    why="Who was inside, and when, can't be found out otherwise.",
    remedy="Enable connectionLogOptions with a log group that is subscribed to.",
    evaluate=evaluate,
)
