"""Evaluates stack programs into graphs: in-process, without a cloud, a credential or the CLI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal import engine
from rehearsal.monitor import Monitor
from rehearsal.offline import OfflineAnswers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.graph import Graph

PROJECT = "patchworks"


def evaluate_program(
    program: Callable[[], Mapping[str, Any] | None],
    stack: str = "cell.test",
    *,
    stack_outputs: Callable[[str], Mapping[str, Any] | None] = lambda _stack: None,
    known: bool = True,
) -> Graph:
    """The graph of a program, which returns its exports.

    With `known` false all that an engine would not know before a first update is unknown.

    Raises:
        ProgramError: the program is faulty; the error names the stack and the line.
    """
    answers = OfflineAnswers(stack_outputs, known)
    monitor = Monitor(project=PROJECT, stack=stack, answers=answers, expansions={})
    warnings = engine.run(program, monitor, preview=True)
    return monitor.graph(warnings)
