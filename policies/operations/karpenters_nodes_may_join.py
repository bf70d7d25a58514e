"""Karpenter's nodes may join: their role has an access entry before there are pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import NODE_POOL, ROLE
from policies.rule import Rule, Verdict, each
from policies.stack import at
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

ENTRY = "aws:eks/accessEntry:AccessEntry"


@each(NODE_POOL, needed_in=("cell",))
def of_pools(pool: Resource, stack: Stack) -> Iterator[str]:
    """Pools that may be there before their nodes may join."""
    before = stack.awaited(pool.urn)
    entries = [e for e in stack.of_type(ENTRY) if at(e.inputs, "type") == "EC2_LINUX"]
    if not any(entry.urn in before for entry in entries):
        yield "it waits for no access entry of its nodes"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Pools, and entries of nodes."""
    yield from of_pools(stack)
    for entry in stack.of_type(ENTRY):
        if at(entry.inputs, "type") == "EC2_LINUX":
            role = stack.referred(entry, "principalArn", ROLE)
            known = at(entry.inputs, "principalArn") is not UNKNOWN
            yield Verdict(
                entry, "principalArn is no role of this stack" if known and not role else ""
            )


RULE = Rule(
    __name__,
    severity="medium",
    why="Without the entry nodes start, are paid for, and never join.",
    remedy="Declare an access entry of type EC2_LINUX for the nodes' role, and let pools "
    "wait for it.",
    evaluate=evaluate,
)
