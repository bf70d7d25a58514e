"""Rules that name each other go first, so that security groups can go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import SECURITY_GROUP
from policies.rule import Rule, differences, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


def is_named_by_others(group: Resource, _: Stack) -> bool:
    """Whether it is one of those that name each other."""
    parts = ("control-plane", "nodes", "load-balancers", "-ingress-group")
    return group.name.endswith(parts)


@each(SECURITY_GROUP, where=is_named_by_others, needed_in=("cell", "tenant"))
def evaluate(group: Resource, _: Stack) -> Iterator[str]:
    """Groups that keep their rules."""
    return differences(group, {"revokeRulesOnDelete": True})


RULE = Rule(
    __name__,
    severity="low",
    why="Two groups that name each other can't be deleted, and a destroy hangs.",
    remedy="Set revokeRulesOnDelete.",
    evaluate=evaluate,
)
