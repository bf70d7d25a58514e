"""Karpenter fills its pools up to a ceiling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.resource_types import NODE_POOL
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(NODE_POOL, needed_in=("cell",))
def evaluate(pool: Resource, _: Stack) -> Iterator[str]:
    """Pools without a limit on processors."""
    limit = at(pool.inputs, "spec.limits.cpu")
    if limit is not UNKNOWN and not re.fullmatch(r"[1-9]\d*m?", str(limit)):
        yield f"spec.limits.cpu is {shown(limit)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="A runaway workload would otherwise buy nodes without end.",
    remedy="Set spec.limits.cpu.",
    evaluate=evaluate,
)
