"""Every workload has a role of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.rule import Rule, Verdict
from policies.stack import at, shown
from policies.workloads import associations
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Service accounts that share a role with another."""
    taken: dict[Any, tuple[Any, ...]] = {}
    for resource, association in associations(stack):
        role = at(association, "roleArn")
        who = tuple(at(association, key) for key in ("clusterName", "namespace", "serviceAccount"))
        if role is UNKNOWN or UNKNOWN in who:
            continue
        other = taken.setdefault(role, who)
        if other != who:
            yield Verdict(resource, f"roleArn {shown(role)} is also that of {other[1]}/{other[2]}")
        else:
            yield Verdict(resource)


RULE = Rule(
    __name__,
    severity="medium",
    why="Workloads that share a role may do what any of them needs, and a trail can't "
    "tell them apart.",
    remedy="Give each service account its own role.",
    evaluate=evaluate,
)
