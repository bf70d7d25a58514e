"""Access entries name roles that this platform declares, nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.resource_types import ROLE
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each("aws:eks/accessEntry:AccessEntry", needed_in=("cell",))
def evaluate(entry: Resource, stack: Stack) -> Iterator[str]:
    """Principals that are no role of this stack, nor CI's deployer."""
    principal = at(entry.inputs, "principalArn")
    deployer = isinstance(principal, str) and re.fullmatch(
        r"arn:aws[\w-]*:iam::\d{12}:role/[\w-]+-ci-deploy-(dev|staging|prod)", principal
    )
    if principal is not UNKNOWN and not deployer and not stack.found(principal, ROLE):
        yield f"principalArn is {shown(principal)}"
    if groups := at(entry.inputs, "kubernetesGroups"):
        yield f"kubernetesGroups is {shown(groups)}"


RULE = Rule(
    __name__,
    severity="high",
    why="An entry for a user, a whole account or a stranger's role is a way into the "
    "cluster that nobody reviews.",
    remedy="Name a duty's role, CI's deployer or the nodes' role, and leave Kubernetes groups out.",
    evaluate=evaluate,
)
