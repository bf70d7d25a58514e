"""Asks the checks of many graphs at once: those that start a program of their own."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from planning import checks, work
from planning.document import Findings
from planning.graphs import EncodedGraph, EncodingError

if TYPE_CHECKING:
    from planning.document import StackPlan
    from planning.findings import Finding
    from planning.workers import Workers
    from rehearsal.graph import Graph

LARGEST_BATCH = 24
"""Graphs that are decoded and judged together: some 10 MiB each."""


def judge_batches(
    plans: dict[str, StackPlan], fresh: set[str], marker: str, workers: Workers
) -> None:
    """Add to the plans what such checks say; of stacks that change alike one is looked at."""
    if not any(check.scope == "batch" for check in checks.CHECKS):
        return
    alike: dict[str, list[str]] = {}
    for stack in sorted(fresh):
        plan = plans[stack]
        if plan.changes or plan.status in ("created", "removed"):
            alike.setdefault(plan.shape or stack, []).append(stack)
    looked_at = [stacks[0] for stacks in alike.values()]
    for start in range(0, len(looked_at), LARGEST_BATCH):
        batch = looked_at[start : start + LARGEST_BATCH]
        found = [_found(batch, side, marker, workers) for side in (0, 1)]
        for stack in batch:
            mine = [[each for each in side if each.stack == stack] for side in found]
            plans[stack] = _with(plans[stack], work.findings(mine[0], mine[1], {}))
    for stacks in alike.values():
        for other in stacks[1:]:
            note = f"what checkov says of it: it was asked of {stacks[0]}, which changes alike"
            plan = plans[other]
            plans[other] = plan.model_copy(update={"not_known": (*plan.not_known, note)})


def _found(batch: list[str], side: int, marker: str, workers: Workers) -> list[Finding]:
    graphs: list[Graph] = []
    for stack in batch:
        body = workers.bodies[stack][side]
        if body is not None:
            try:
                graphs.append(EncodedGraph(stack, zlib.decompress(body), marker).graph)
            except EncodingError:
                continue
    return checks.findings_of_many(graphs) if graphs else []


def _with(plan: StackPlan, more: Findings) -> StackPlan:
    had = plan.findings
    both = Findings(
        new=(*had.new, *more.new),
        old=(*had.old, *more.old),
        gone=(*had.gone, *more.gone),
        suppressed=had.suppressed + more.suppressed,
    )
    return plan.model_copy(update={"findings": both})
