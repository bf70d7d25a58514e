"""Every deployment has a PodDisruptionBudget that lets nodes drain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DEPLOYMENT
from policies.rule import Rule, differences, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DEPLOYMENT, only_in=("tenant",), needed_in=("tenant",))
def evaluate(deployment: Resource, stack: Stack) -> Iterator[str]:
    """Deployments without a budget that fits."""
    name = at(deployment.inputs, "metadata.name")
    budgets = [
        each
        for each in stack.of_type("kubernetes:policy/v1:PodDisruptionBudget")
        if at(each.inputs, "metadata.name") == name
    ]
    if not budgets:
        yield "no PodDisruptionBudget bears its name"
    for budget in budgets:
        expected = {
            "spec.maxUnavailable": 1,
            "spec.selector": at(deployment.inputs, "spec.selector"),
        }
        yield from (f"budget: {each}" for each in differences(budget, expected))


RULE = Rule(
    __name__,
    severity="medium",
    why="Without a budget a node's upgrade takes all pods at once; with too tight a one "
    "it never ends.",
    remedy="Declare a budget with maxUnavailable 1 and the deployment's selector.",
    evaluate=evaluate,
)
