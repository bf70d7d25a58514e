"""A database's logs are exported to log groups that are declared before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE, LOG_GROUP
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE, needed_in=("cell",))
def evaluate(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Logs that are not exported, or to a group that RDS would make."""
    exports = at(cluster.inputs, "enabledCloudwatchLogsExports")
    identifier = at(cluster.inputs, "clusterIdentifier")
    if exports is UNKNOWN or identifier is UNKNOWN:
        return
    if "postgresql" not in (exports or ()):
        yield f"enabledCloudwatchLogsExports is {shown(exports)}"
    for log in exports or ():
        name = f"/aws/rds/cluster/{identifier}/{log}"
        group = stack.found(name, LOG_GROUP)
        if group is None:
            yield f"no log group is named {name}"
        elif group.urn not in cluster.dependencies:
            yield f"it does not wait for the log group {name}"


RULE = Rule(
    __name__,
    severity="medium",
    why="RDS makes a missing group itself: unencrypted, and kept for ever.",
    remedy="List postgresql in enabledCloudwatchLogsExports and declare a group for each log.",
    evaluate=evaluate,
)
