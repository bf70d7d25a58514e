"""Rehearses a catalog: applies its stacks to the local cloud, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from catalog.tenant import Served
from rehearsal.apply import LocalCloudAnswers, apply_program
from rehearsal.state import StackState
from stacks.ledger import read_ledger
from stacks.programs import (
    ORGANIZATION,
    parse,
    program,
    references,
    stack_names,
    with_references,
)
from stacks.spans import KIND, peerings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from catalog.catalog import Catalog, Ledger
    from rehearsal.local_cloud import LocalCloud
    from rehearsal.outcome import Event, Outcome

_TEARDOWN_ORDER = {"tenant": 0, KIND: 0, "cell": 1, ORGANIZATION: 2}


class Observer(Protocol):
    """Is told how a rehearsal goes on."""

    def stack_begins(self, stack: str, *, removed: bool) -> None:
        """A stack is about to be applied, or torn down because the catalog lost it."""
        ...

    def resource_done(self, event: Event) -> None:
        """One resource has been dealt with."""
        ...

    def stack_ends(self, outcome: Outcome) -> None:
        """A stack has been applied."""
        ...


@dataclass
class Rehearsal:
    """Applies stacks of a catalog to a local cloud that runs."""

    catalog: Catalog
    cloud: LocalCloud
    observer: Observer
    check_interrupt: Callable[[], None] = lambda: None
    _exports: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _ledger: Ledger = field(default_factory=dict)

    def run(self, stacks: tuple[str, ...] = ()) -> list[Outcome]:
        """Apply the named stacks and all they refer to; without names the whole catalog.

        The whole catalog includes what it no longer has: stacks that were applied before and are
        gone from it are torn down, but for what is protected.

        Raises:
            UnknownStackNameError: the catalog has no stack of a given name.
            ProgramError: a program is faulty, or the local cloud refused what it asks for.
        """
        for stack in stacks:
            parse(self.catalog, stack)
        outcomes = [self._apply(ORGANIZATION)]
        self._ledger = self._read_ledger()
        wanted = with_references(self.catalog, stacks or stack_names(self.catalog), self._ledger)
        outcomes += [self._apply(stack) for stack in wanted if stack != ORGANIZATION]
        if not stacks:
            outcomes += [self._tear_down(stack) for stack in self._removed()]
        return outcomes

    def run_alone(self, stack: str) -> Outcome:
        """Apply one stack on those it refers to as they were applied last.

        Raises:
            LookupError: one of them has not been applied.
            ProgramError: the program is faulty, or the local cloud refused what it asks for.
        """
        self._ledger = self._read_ledger()
        for other in references(self.catalog, stack, self._ledger):
            self._exports[other] = self.cloud.stack_outputs(other)
        outcome = self._apply(stack)
        assert outcome.graph is not None
        if not outcome.graph.exports:
            # Nothing is declared: of a peering that nobody needs no state is kept.
            state = StackState.read(self.cloud.stack_state(stack), self.cloud.secrets)
            if not state.resources:
                state.erase()
        return outcome

    def _apply(self, stack: str) -> Outcome:
        self.observer.stack_begins(stack, removed=False)
        outcome = apply_program(program(self.catalog, stack, self._ledger), self._answers(stack))
        assert outcome.graph is not None
        self._exports[stack] = outcome.graph.exports
        self.observer.stack_ends(outcome)
        return outcome

    def _tear_down(self, stack: str) -> Outcome:
        self.observer.stack_begins(stack, removed=True)
        answers = self._answers(stack)
        outcome = apply_program(None, answers)
        if not answers.state.resources:
            answers.state.erase()
        self.observer.stack_ends(outcome)
        return outcome

    def _answers(self, stack: str) -> LocalCloudAnswers:
        return LocalCloudAnswers(
            stack=stack,
            state=StackState.open(self.cloud.stack_state(stack), self.cloud.secrets),
            cloud_for=self.cloud.for_provider,
            generation=self.cloud.generation,
            outputs_of=self._exports.get,
            observe=self.observer.resource_done,
            check_interrupt=self.check_interrupt,
        )

    def _read_ledger(self) -> Ledger:
        organization = self.catalog.organization
        client = self.cloud.aws(
            "dynamodb", organization.accounts.management, organization.home_region
        )
        return read_ledger(self.catalog, client)

    def _peerings(self) -> Iterator[str]:
        for entry in self._ledger.values():
            if isinstance(entry, Served):
                yield from peerings(entry.spans)

    def _removed(self) -> Iterator[str]:
        # Peerings go when the last tenant that needs one has parted, and not with a rehearsal.
        known = {*stack_names(self.catalog), *self._peerings()}
        gone = [stack for stack in self.cloud.applied_stacks() if stack not in known]
        yield from sorted(gone, key=lambda stack: _TEARDOWN_ORDER[stack.partition(".")[0]])
