"""Events of cluster and instances reach the alarm topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE
from policies.rule import Rule, Verdict, differences, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

SUBSCRIPTION = "aws:rds/eventSubscription:EventSubscription"
KINDS = frozenset({"db-cluster", "db-instance"})


@each(DATABASE, needed_in=("cell",))
def of_databases(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Databases with less than both subscriptions."""
    identifier = at(cluster.inputs, "clusterIdentifier")
    if identifier is UNKNOWN:
        return
    heard = {
        at(each.inputs, "sourceType")
        for each in stack.of_type(SUBSCRIPTION)
        if str(each.inputs.get("name")).startswith(f"{identifier}-")
    }
    if missing := KINDS - heard:
        yield f"no subscription for {', '.join(sorted(missing))}"


@each(SUBSCRIPTION, needed_in=("cell",))
def of_subscriptions(subscription: Resource, _: Stack) -> Iterator[str]:
    """Subscriptions that are off, or lead nowhere."""
    yield from differences(subscription, {"enabled": True})
    topic = at(subscription.inputs, "snsTopic")
    if topic is not UNKNOWN and not str(topic).startswith(("arn:", "<Topic")):
        yield f"snsTopic is {shown(topic)}"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Databases, and subscriptions."""
    yield from of_databases(stack)
    yield from of_subscriptions(stack)


RULE = Rule(
    __name__,
    severity="medium",
    why="A failover that nobody hears of is found out by its consequences.",
    remedy="Subscribe db-cluster and db-instance events to the cell's topic.",
    evaluate=evaluate,
)
