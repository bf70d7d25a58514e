"""Load balancers' logs are kept for years, and not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, each
from policies.stack import at, listed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
DAYS = 365


def is_for_logs(lifecycle: Resource, stack: Stack) -> bool:
    """Whether it is that of the cell's bucket for load balancers' logs."""
    return stack.kind == "cell" and "logs" in lifecycle.name


@each(LIFECYCLE, where=is_for_logs, needed_in=("cell",))
def evaluate(lifecycle: Resource, _: Stack) -> Iterator[str]:
    """Buckets whose logs go early, or never."""
    rules = listed(at(lifecycle.inputs, "rules"))
    days = [given for rule in rules if (given := at(rule, "expiration.days")) is not None]
    if UNKNOWN not in days and (len(days) != 1 or days[0] < DAYS):
        yield f"rules expire logs after {shown(days)} days, not {DAYS} or more"


RULE = Rule(
    __name__,
    severity="low",
    why="They answer questions that are asked long after; kept for ever they are a liability.",
    remedy="Give the bucket a lifecycle rule with an expiration.",
    evaluate=evaluate,
)
