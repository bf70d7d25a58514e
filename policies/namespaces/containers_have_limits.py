"""Every tenant has a LimitRange for containers that ask for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each("kubernetes:core/v1:LimitRange", needed_in=("tenant",))
def evaluate(limits: Resource, _: Stack) -> Iterator[str]:
    """Ranges that say nothing of containers' memory."""
    ranges = at(limits.inputs, "spec.limits")
    if ranges is not UNKNOWN and not any(
        each.get("type") == "Container" and at(each, "default.memory") for each in ranges or ()
    ):
        yield f"spec.limits is {shown(ranges)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="The quota refuses a container that says nothing, and a pod made by hand would not start.",
    remedy="Declare a LimitRange of type Container with a default for memory.",
    evaluate=evaluate,
)
