"""Developers and auditors may look into a cluster, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, differences, each
from policies.stack import at
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

ONLOOKERS = ("developer", "auditor")
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


def looks_only(resource: Resource, _: Stack) -> bool:
    """Whether the principal is of a duty that changes nothing."""
    principal = at(resource.inputs, "principalArn")
    if principal is UNKNOWN:
        # Before its role exists, only the association's own name tells whose it is.
        return any(f"-{duty}-" in resource.name for duty in ONLOOKERS)
    return str(principal).endswith(tuple(f"-{duty}" for duty in ONLOOKERS))


@each(
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    where=looks_only,
    needed_in=("cell",),
)
def evaluate(association: Resource, _: Stack) -> Iterator[str]:
    """Policies that let them do more."""
    return differences(association, {"policyArn": VIEW})


RULE = Rule(
    __name__,
    severity="high",
    why="What they change by hand no review sees, and the next update takes back.",
    remedy="Associate AmazonEKSViewPolicy with them.",
    evaluate=evaluate,
)
