"""Every tenant has a ResourceQuota on processors, memory, storage and pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import QUOTA
from policies.rule import Rule, each
from policies.stack import at
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

HARD = ("requests.cpu", "requests.memory", "limits.memory", "requests.storage", "pods")


@each(QUOTA, needed_in=("tenant",))
def evaluate(quota: Resource, _: Stack) -> Iterator[str]:
    """Limits that are missing."""
    hard = at(quota.inputs, "spec.hard")
    if hard is not UNKNOWN and (missing := [each for each in HARD if not (hard or {}).get(each)]):
        yield f"spec.hard lacks {', '.join(missing)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="One tenant without a limit takes what its neighbours in the cell have paid for.",
    remedy="Set the five limits in spec.hard.",
    evaluate=evaluate,
)
