"""All five control-plane logs are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import CLUSTER
from policies.rule import Rule, each
from policies.stack import at
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

LOGS = frozenset({"api", "audit", "authenticator", "controllerManager", "scheduler"})


@each(CLUSTER, needed_in=("cell",))
def evaluate(cluster: Resource, _: Stack) -> Iterator[str]:
    """The logs that are missing."""
    given = at(cluster.inputs, "enabledClusterLogTypes")
    if given is not UNKNOWN and (missing := LOGS - set(given or ())):
        yield f"enabledClusterLogTypes lacks {', '.join(sorted(missing))}"


RULE = Rule(
    __name__,
    severity="medium",
    why="What a log does not hold can't be found out after an incident.",
    remedy="List api, audit, authenticator, controllerManager and scheduler in "
    "enabledClusterLogTypes.",
    evaluate=evaluate,
)
