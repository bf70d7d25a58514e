"""Karpenter hears of interruptions through a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import RELEASE
from policies.rule import Rule, each
from policies.stack import at, listed, parsed, shown
from policies.workloads import is_karpenter
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

EVENTS = frozenset(
    {
        "AWS Health Event",
        "EC2 Instance Rebalance Recommendation",
        "EC2 Instance State-change Notification",
        "EC2 Spot Instance Interruption Warning",
    }
)
QUEUE = "aws:sqs/queue:Queue"


@each(RELEASE, where=is_karpenter, needed_in=("cell",))
def evaluate(release: Resource, stack: Stack) -> Iterator[str]:
    """Queues that are not named, and events that reach none."""
    heard = at(release.inputs, "values.settings.interruptionQueue")
    names = [at(queue.inputs, "name") for queue in stack.of_type(QUEUE)]
    if heard is not UNKNOWN and UNKNOWN not in names and heard not in names:
        yield f"values.settings.interruptionQueue is {shown(heard)}"
    sent = {
        detail
        for rule in stack.of_type("aws:cloudwatch/eventRule:EventRule")
        for detail in listed(at(parsed(rule.inputs.get("eventPattern")), "detail-type"))
    }
    if missing := EVENTS - sent:
        yield f"no event rule sends {', '.join(sorted(missing))}"


RULE = Rule(
    __name__,
    severity="medium",
    why="Without it pods on a spot node are killed after two minutes instead of moved.",
    remedy="Name the queue in settings.interruptionQueue and send the four events of EC2 and "
    "Health to it.",
    evaluate=evaluate,
)
