"""Shares stacks out over jobs, by how long each took before, where there are more than jobs."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_JOBS = 256
"""Of one matrix.

Source: https://docs.github.com/en/actions/reference/limits
"""
UNMEASURED_SECONDS = 300.0
"""Taken for a stack that was never brought up: longer than most, so that it is dealt early."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Stacks that one job brings up, one after the other, on the runners of one cell."""

    cell: str | None
    stacks: tuple[str, ...]
    seconds: float
    """What they took last, in all."""


def batches(
    stacks: Sequence[str],
    *,
    cell_of: Mapping[str, str | None],
    seconds: Mapping[str, float],
    most: int = MOST_JOBS,
) -> list[Batch]:
    """At most `most` batches, each of one cell; cells' own stacks come first and stay alone.

    Each cell gets jobs in proportion to the time that its tenants take, at least one; within a
    cell, the longest stacks are dealt first, each to the batch that has the least.

    Raises:
        ValueError: there are more cells than jobs.
    """
    first = [stack for stack in stacks if not stack.startswith("tenant.")]
    tenants: dict[str | None, list[str]] = defaultdict(list)
    for stack in stacks:
        if stack.startswith("tenant."):
            tenants[cell_of[stack]].append(stack)
    left = most - len(first)
    if left < len(tenants):
        raise ValueError(
            f"{len(first)} cells and the tenants of {len(tenants)} take more than {most} jobs"
        )

    def took(stack: str) -> float:
        return seconds.get(stack, UNMEASURED_SECONDS)

    found = [Batch(cell_of[stack], (stack,), took(stack)) for stack in first]
    shares = _shares(
        {cell: (len(mine), sum(map(took, mine))) for cell, mine in tenants.items()}, left
    )
    for cell, mine in tenants.items():
        heap: list[tuple[float, int, list[str]]] = [(0.0, n, []) for n in range(shares[cell])]
        for stack in sorted(mine, key=lambda each: (-took(each), each)):
            total, number, dealt = heapq.heappop(heap)
            dealt.append(stack)
            heapq.heappush(heap, (total + took(stack), number, dealt))
        found += [
            Batch(cell, tuple(dealt), total)
            for total, _, dealt in sorted(heap, key=lambda each: each[1])
        ]
    return found


def _shares(cells: Mapping[str | None, tuple[int, float]], jobs: int) -> dict[str | None, int]:
    """How many jobs each cell gets: one, and then one more for whichever has the fullest."""
    shares = dict.fromkeys(cells, 1)
    heap = [(-seconds, str(cell), cell) for cell, (count, seconds) in cells.items() if count > 1]
    heapq.heapify(heap)
    for _ in range(jobs - len(cells)):
        if not heap:
            break
        _, name, cell = heapq.heappop(heap)
        shares[cell] += 1
        count, seconds = cells[cell]
        if shares[cell] < count:
            heapq.heappush(heap, (-seconds / shares[cell], name, cell))
    return shares
