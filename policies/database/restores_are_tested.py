"""A restore is tested on a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, Verdict, each, expects
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

PLAN = "aws:backup/restoreTestingPlan:RestoreTestingPlan"
SELECTION = "aws:backup/restoreTestingSelection:RestoreTestingSelection"


@each(PLAN, needed_in=("cell",))
def of_plans(plan: Resource, _: Stack) -> Iterator[str]:
    """Plans that never run."""
    when = at(plan.inputs, "scheduleExpression")
    if when is not UNKNOWN and not str(when).startswith(("cron(", "rate(")):
        yield f"scheduleExpression is {shown(when)}"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Plans, and what they restore."""
    yield from of_plans(stack)
    yield from expects(SELECTION, {"protectedResourceType": "Aurora"}, needed_in=("cell",))(stack)


RULE = Rule(
    __name__,
    severity="medium",
    why="A backup that was never restored is a hope.",
    remedy="Declare a restore testing plan with a cron expression, and a selection of Aurora.",
    evaluate=evaluate,
)
