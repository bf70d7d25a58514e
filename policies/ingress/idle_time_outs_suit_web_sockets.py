"""Idle time-outs suit web sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BALANCER
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

SECONDS = 3600


@each(BALANCER, needed_in=("tenant",))
def evaluate(balancer: Resource, _: Stack) -> Iterator[str]:
    """Load balancers that give up earlier."""
    given = at(balancer.inputs, "idleTimeout")
    if given is not UNKNOWN and not (isinstance(given, int | float) and given >= SECONDS):
        yield f"idleTimeout is {shown(given)} s"


RULE = Rule(
    __name__,
    severity="low",
    why="Connections of connectors and designers are cut while nobody types.",
    remedy="Set idleTimeout to 3,600 seconds or more.",
    evaluate=evaluate,
)
