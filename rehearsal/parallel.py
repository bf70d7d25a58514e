"""Evaluates many stacks with all cores, and hands back what is asked of each graph."""

from __future__ import annotations

import gc
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from rehearsal.evaluation import Evaluation
from stacks.programs import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from catalog.catalog import Catalog, Ledger
    from rehearsal.graph import Graph

T = TypeVar("T")

CHUNK = 8
"""Stacks handed to a worker at a time: enough to hide the hand-over, few enough to share fairly."""

_shared: tuple[Evaluation, Callable[[Graph], Any]] | None = None


def evaluate_many(
    catalog: Catalog,
    stacks: Sequence[str],
    ask: Callable[[Graph], T],
    *,
    ledger: Ledger | None = None,
    jobs: int | None = None,
) -> Iterator[tuple[str, T]]:
    """Evaluate stacks and yield `ask(graph)` for each, in the order of `stacks`.

    `ask` runs where the graph is, so that graphs need not travel between processes; what it
    returns does. `jobs` is the number of processes, by default one a core. The workers are forked
    off this process after it has imported the SDKs, which they then share.

    Raises:
        ProgramError: a program is faulty; the first such error, in the order of `stacks`.
    """
    global _shared
    evaluation = Evaluation(catalog, ledger or {})
    for stack in dict.fromkeys(
        needed for each in stacks for needed in references(catalog, each, evaluation.ledger)
    ):
        evaluation.exports_of(stack)
    workers = min(jobs or os.cpu_count() or 1, -(-len(stacks) // CHUNK))
    if workers <= 1:
        for stack in stacks:
            yield stack, ask(evaluation.evaluate(stack))
        return
    _shared = (evaluation, ask)
    # What is there now stays for good: a collection in a worker would copy every shared page.
    gc.collect()
    gc.freeze()
    chunks = [stacks[start : start + CHUNK] for start in range(0, len(stacks), CHUNK)]
    try:
        with ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("fork"), initializer=gc.disable
        ) as pool:
            for answers in pool.map(_evaluate_chunk, chunks):
                yield from answers
    finally:
        _shared = None
        gc.unfreeze()


def _evaluate_chunk(stacks: Sequence[str]) -> list[tuple[str, Any]]:
    assert _shared is not None
    evaluation, ask = _shared
    answers = [(stack, ask(evaluation.evaluate(stack))) for stack in stacks]
    # Outputs and their resources refer to one another; nothing else frees them.
    gc.collect()
    return answers
