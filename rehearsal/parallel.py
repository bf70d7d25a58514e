"""Evaluates many stacks with all cores, and hands back what is asked of each graph."""

from __future__ import annotations

import gc
import multiprocessing
import os
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, TypeVar

from rehearsal.errors import ProgramError
from rehearsal.evaluation import Evaluation
from stacks.programs import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

    from catalog.catalog import Catalog, Ledger
    from rehearsal.graph import Graph

T = TypeVar("T")

LARGEST_SHARE = 32
"""Stacks that one worker evaluates before it ends: some 100 MiB of graphs that nobody collects."""
SHARES_A_WORKER = 4
"""Shares are made small enough for each worker to get that many, so that all end together."""


def evaluate_many(
    catalog: Catalog,
    stacks: Sequence[str],
    ask: Callable[[Graph], T],
    *,
    ledger: Ledger | None = None,
    jobs: int | None = None,
) -> Iterator[tuple[str, T]]:
    """Evaluate stacks of a catalog as `evaluate_all` does."""
    return evaluate_all(Evaluation(catalog, ledger or {}), stacks, ask, jobs=jobs)


def evaluate_all(
    evaluation: Evaluation,
    stacks: Sequence[str],
    ask: Callable[[Graph], T],
    *,
    jobs: int | None = None,
) -> Iterator[tuple[str, T]]:
    """Evaluate stacks and yield `ask(graph)` for each, in the order of `stacks`.

    `ask` runs where the graph is, so that graphs need not travel between processes; what it
    returns does. `jobs` is the number of processes, by default one a core. The first stack is
    evaluated here: its program imports most of the SDKs, some 0.3 s, which workers that are forked
    off this process afterwards share. Each worker ends after its share: the system takes its memory
    back at once, where Python's collector would go through all.

    Raises:
        ProgramError: a program is faulty; the first such error, in the order of `stacks`.
    """
    for stack in dict.fromkeys(
        needed
        for each in stacks
        for needed in references(evaluation.catalog, each, evaluation.ledger)
    ):
        evaluation.exports_of(stack)
    for stack in stacks[:1]:
        yield stack, ask(evaluation.evaluate(stack))
    rest = stacks[1:]
    workers = jobs or os.cpu_count() or 1
    if workers == 1 and len(rest) < LARGEST_SHARE:
        for stack in rest:
            yield stack, ask(evaluation.evaluate(stack))
        return
    share = max(1, min(LARGEST_SHARE, -(-len(rest) // (workers * SHARES_A_WORKER))))
    shares = [rest[start : start + share] for start in range(0, len(rest), share)]
    yield from _in_workers(evaluation, shares, ask, workers)


def _in_workers(
    evaluation: Evaluation,
    shares: Sequence[Sequence[str]],
    ask: Callable[[Graph], T],
    workers: int,
) -> Iterator[tuple[str, T]]:
    waiting = list(enumerate(shares))
    running: dict[Connection, tuple[int, ForkProcess]] = {}
    answered: dict[int, Any] = {}
    # What is there now stays for good, so that no collection in a worker copies a shared page.
    if gc.isenabled():
        gc.collect()
    gc.freeze()
    try:
        for number in range(len(shares)):
            while True:
                # Before answers are handed on, so that nobody waits for who takes them.
                while waiting and len(running) < workers:
                    index, share = waiting.pop(0)
                    connection, process = _start(evaluation, share, ask)
                    running[connection] = (index, process)
                if number in answered:
                    break
                for connection in [each for each in running if each in wait(running)]:
                    index, process = running.pop(connection)
                    answered[index] = _receive(connection, process)
            answer = answered.pop(number)
            if isinstance(answer, _Fault):
                raise answer.error()
            yield from answer
    finally:
        gc.unfreeze()
        for _, process in running.values():
            process.kill()
            process.join()


class _Fault:
    """A program's fault as it travels between processes."""

    def __init__(self, error: ProgramError) -> None:
        self._parts = (error.stack, error.source, error.problem, error.remedy)

    def error(self) -> ProgramError:
        return ProgramError(*self._parts)


def _start(
    evaluation: Evaluation, share: Sequence[str], ask: Callable[[Graph], Any]
) -> tuple[Connection, ForkProcess]:
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_evaluate, args=(sending, evaluation, share, ask), daemon=True)
    process.start()
    sending.close()
    return receiving, process


def _evaluate(
    answers: Connection, evaluation: Evaluation, share: Sequence[str], ask: Callable[[Graph], Any]
) -> None:
    gc.disable()
    with suppress(BrokenPipeError):
        try:
            answers.send([(stack, ask(evaluation.evaluate(stack))) for stack in share])
        except ProgramError as error:
            answers.send(_Fault(error))
    # Past the interpreter's own end, which would take the graphs apart one object at a time.
    answers.close()
    os._exit(0)


def _receive(connection: Connection, process: ForkProcess) -> Any:
    try:
        return connection.recv()
    except EOFError:
        process.join()
        raise RuntimeError(
            f"a worker ended with code {process.exitcode} before it had answered; "
            "with fewer jobs each has more memory"
        ) from None
    finally:
        connection.close()
        process.join()
