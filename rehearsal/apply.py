"""Applies a stack on the local cloud: the program runs, and each registration is really made.

What was applied before is compared with what the program now asks for. As the engine does, a
replacement is created before the replaced one is deleted, unless the program says otherwise, and
deletions come last, in the reverse order of dependencies. What is protected is kept, and so is all
that it depends on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rehearsal import engine
from rehearsal.changes import changed_properties, top_level, with_ignored
from rehearsal.deletion import plan_deletions
from rehearsal.drivers import drivers
from rehearsal.errors import ProtectedResourceError
from rehearsal.evaluation import PROJECT
from rehearsal.graph import PROVIDER_PREFIX
from rehearsal.monitor import Answer, Monitor
from rehearsal.operations import Operations
from rehearsal.outcome import Event, Outcome, fidelity
from rehearsal.simulation import SimulatedAnswers
from rehearsal.state import Applied, StackState
from rehearsal.values import Secret, reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.drivers.base import Cloud, Driver
    from rehearsal.graph import Resource
    from rehearsal.outcome import Operation


@dataclass
class LocalCloudAnswers:
    """Answers registrations by making them on the local cloud."""

    stack: str
    state: StackState
    cloud_for: Callable[[str, Mapping[str, Any]], Cloud]
    generation: str
    outputs_of: Callable[[str], Mapping[str, Any] | None]
    observe: Callable[[Event], None]
    check_interrupt: Callable[[], None] = lambda: None
    seen: set[str] = field(default_factory=set)
    operations: Operations = field(init=False)
    _simulated: SimulatedAnswers = field(init=False)
    _finished: Mapping[str, Operation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._simulated = SimulatedAnswers(self.outputs_of)
        self.operations = Operations(self.stack, self.state, self.cloud_for, self.generation)

    def finish_begun(self) -> None:
        """End what a killed rehearsal had begun, before anything else is done."""
        self._finished = self.operations.finish_begun()

    def stack_outputs(self, stack: str) -> Mapping[str, Any] | None:
        """What the other stack exported when it was applied."""
        return self.outputs_of(stack)

    def answer(self, resource: Resource) -> Answer:
        """Make, change, replace or leave one resource."""
        self.check_interrupt()
        self.seen.add(resource.urn)
        if resource.is_provider:
            return self._provider(resource)
        began = time.monotonic()
        previous = self._known(resource)
        if previous is not None and self.operations.is_lost(previous):
            previous = None
        operation, changed, applied = self._make(resource, previous)
        self.observe(
            Event(
                operation,
                resource.urn,
                resource.type,
                resource.name,
                time.monotonic() - began,
                fidelity(drivers().get(resource.type)),
                changed,
            )
        )
        return Answer(applied.id, applied.outputs)

    def _known(self, resource: Resource) -> Applied | None:
        """The resource as it was applied, maybe under a URN that it had before."""
        known = self.state.resources
        if resource.urn in known:
            return known[resource.urn]
        former = next((urn for urn in resource.aliases if urn in known), None)
        return None if former is None else self.state.rename(former, resource.urn)

    def _make(
        self, resource: Resource, previous: Applied | None
    ) -> tuple[Operation, tuple[str, ...], Applied]:
        driver = drivers().get(resource.type)
        if resource.import_id is not None and (
            previous is None or previous.id != resource.import_id
        ):
            # One that was made in its place is let go of where it is to be retained.
            replaces = previous is not None and not previous.retain_on_delete
            return "import", (), self._create(resource, replaces=replaces)
        if previous is None:
            return "create", (), self._create(resource)
        inputs = with_ignored(previous.inputs, resource.inputs, resource.ignore_changes)
        resource = replace(resource, inputs=inputs)
        changed = changed_properties(previous.inputs, inputs)
        if not changed:
            kept = self._wanted(resource, previous.id, previous.outputs)
            if kept != previous:
                self.state.put(kept)
            return self._finished.get(resource.urn, "same"), (), kept
        if _needs_replacement(resource, previous, driver, changed):
            return "replace", changed, self._replace(resource, previous, driver)
        if driver is None:
            outputs = self._simulated.answer(resource).outputs
            applied = self._wanted(resource, previous.id, outputs)
            self.state.put(applied)
        else:
            wanted = self._wanted(resource, previous.id, {})
            applied = self.operations.update(wanted, resource.source)
        return "update", changed, applied

    def _create(self, resource: Resource, *, replaces: bool = False) -> Applied:
        if resource.type in drivers():
            wanted = self._wanted(resource, resource.import_id, {})
            return self.operations.create(wanted, resource.source, replaces=replaces)
        answer = self._simulated.answer(resource)
        applied = self._wanted(resource, resource.import_id or answer.id, answer.outputs)
        self.state.put(applied, replaces=replaces)
        return applied

    def _replace(self, resource: Resource, previous: Applied, driver: Driver | None) -> Applied:
        if previous.protect:
            raise ProtectedResourceError(self.stack, resource)
        if resource.delete_before_replace or _decides(driver, "deletes_first", previous, resource):
            self.operations.delete(previous)
            self.state.remove(previous.urn)
            return self._create(resource)
        return self._create(resource, replaces=True)

    def _provider(self, resource: Resource) -> Answer:
        self.operations.use_provider(resource.urn, resource.type, resource.inputs)
        answer = self._simulated.answer(resource)
        applied = self._wanted(resource, answer.id, {})
        if self.state.resources.get(resource.urn) != applied:
            self.state.put(applied)
        return answer

    def _wanted(self, resource: Resource, identity: str | None, outputs: dict[str, Any]) -> Applied:
        secret = {
            key: Secret(reveal(value)) if key in resource.additional_secret_outputs else value
            for key, value in outputs.items()
        }
        return Applied(
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            id=identity,
            inputs=resource.inputs,
            outputs=secret,
            provider=resource.provider,
            parent=resource.parent,
            dependencies=resource.dependencies,
            protect=resource.protect,
            retain_on_delete=resource.retain_on_delete,
            secret_outputs=resource.additional_secret_outputs,
            generation=self.generation,
        )


def apply_program(
    program: Callable[[], Mapping[str, Any] | None] | None, answers: LocalCloudAnswers
) -> Outcome:
    """Bring the stack to what its program asks for; without a program, to nothing.

    Raises:
        ProgramError: the program is faulty, or the local cloud refused what it asks for. What was
            made until then stays and is known, so that the next run goes on from there.
    """
    began = time.monotonic()
    events: list[Event] = []
    observe = answers.observe

    def note(event: Event) -> None:
        events.append(event)
        observe(event)

    answers.observe = note
    answers.finish_begun()
    graph = None
    if program is not None:
        monitor = Monitor(PROJECT, answers.stack, answers)
        warnings = engine.run(program, monitor, preview=False)
        graph = monitor.graph(warnings)
    _delete(answers)
    answers.state.export(graph.exports if graph else {})
    return Outcome(
        stack=answers.stack,
        graph=graph,
        events=tuple(events),
        seconds=time.monotonic() - began,
    )


def _delete(answers: LocalCloudAnswers) -> None:
    state = answers.state
    for left in list(state.leftovers):
        answers.check_interrupt()
        began = time.monotonic()
        answers.operations.delete(left)
        state.remove_leftover(left)
        answers.observe(_event("delete", left, began, "replaced"))
    for step in plan_deletions(state.resources, answers.seen):
        answers.check_interrupt()
        began = time.monotonic()
        applied = step.resource
        if step.kept_because:
            if not applied.type.startswith(PROVIDER_PREFIX):
                answers.observe(_event("keep", applied, began, step.kept_because))
            continue
        if not applied.retain_on_delete:
            answers.operations.delete(applied)
        state.remove(applied.urn)
        if not applied.type.startswith(PROVIDER_PREFIX):
            operation: Operation = "retain" if applied.retain_on_delete else "delete"
            answers.observe(_event(operation, applied, began, ""))


def _event(operation: Operation, applied: Applied, began: float, reason: str) -> Event:
    return Event(
        operation,
        applied.urn,
        applied.type,
        applied.name,
        time.monotonic() - began,
        fidelity(drivers().get(applied.type)),
        reason=reason,
    )


def _needs_replacement(
    resource: Resource, previous: Applied, driver: Driver | None, changed: tuple[str, ...]
) -> bool:
    forcing = top_level(resource.replace_on_changes)
    if driver is not None:
        forcing |= driver.replaced_by
    return (
        "*" in forcing
        or not forcing.isdisjoint(changed)
        or _decides(driver, "replaces", previous, resource)
    )


def _decides(driver: Driver | None, rule: str, previous: Applied, resource: Resource) -> bool:
    """What a driver says of a replacement that depends on more than top-level properties."""
    decide = getattr(driver, rule, None)
    return decide is not None and bool(decide(reveal(previous.inputs), reveal(resource.inputs)))
