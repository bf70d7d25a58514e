"""Evaluates stack programs into graphs: in-process, without a cloud, a credential or the CLI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rehearsal import engine
from rehearsal.monitor import Monitor
from rehearsal.offline import OfflineAnswers
from stacks.programs import program, references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalog.catalog import Catalog, Ledger
    from rehearsal.graph import Graph

PROJECT = "patchworks"


def evaluate_program(
    program: Callable[[], Mapping[str, Any] | None],
    stack: str = "cell.test",
    *,
    stack_outputs: Callable[[str], Mapping[str, Any] | None] = lambda _stack: None,
    known: bool = True,
    quick: bool = True,
) -> Graph:
    """The graph of a program, which returns its exports.

    With `known` false all that an engine would not know before a first update is unknown. With
    `quick` false the SDK's own runtime is used as it is, which takes some three times as long.

    Raises:
        ProgramError: the program is faulty; the error names the stack and the line.
    """
    monitor = Monitor(PROJECT, stack, OfflineAnswers(stack_outputs, known))
    warnings = engine.run(program, monitor, preview=True, quick=quick)
    return monitor.graph(warnings)


@dataclass
class Evaluation:
    """Evaluates the stacks of one catalog; stack references get the other stack's exports."""

    catalog: Catalog
    ledger: Ledger = field(default_factory=dict)
    known: bool = True
    quick: bool = True
    _exports: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def evaluate(self, stack: str) -> Graph:
        """The graph of one stack of the catalog; those it refers to are evaluated before.

        Raises:
            UnknownStackNameError: the catalog has no such stack.
            ProgramError: the program is faulty; the error names the stack and the line.
        """
        for referenced in references(self.catalog, stack, self.ledger):
            self.exports_of(referenced)
        graph = evaluate_program(
            program(self.catalog, stack, self.ledger),
            stack,
            stack_outputs=self._exports.get,
            known=self.known,
            quick=self.quick,
        )
        self._exports[stack] = graph.exports
        return graph

    def exports_of(self, stack: str) -> Mapping[str, Any]:
        """What a stack exports; it is evaluated when that is not known yet."""
        if stack not in self._exports:
            self.evaluate(stack)
        return self._exports[stack]


def evaluate(catalog: Catalog, stack: str, ledger: Ledger | None = None) -> Graph:
    """The graph of one stack of a catalog, as the ledger says its tenants are served now."""
    return Evaluation(catalog, ledger or {}).evaluate(stack)
