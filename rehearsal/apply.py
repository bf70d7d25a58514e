"""Applies a stack on the local cloud: the program runs, and each registration is really made.

What was applied before is compared with what the program now asks for. As the engine does, a
replacement is created before the replaced one is deleted, unless the program says otherwise, and
deletions come last, in the reverse order of dependencies. What is protected is kept, and so is all
that it depends on.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rehearsal import engine
from rehearsal.changes import changed_properties, top_level, with_ignored
from rehearsal.deletion import plan_deletions
from rehearsal.drivers import drivers
from rehearsal.errors import DriverFailedError, ProtectedResourceError
from rehearsal.evaluation import PROJECT
from rehearsal.graph import PROVIDER_PREFIX
from rehearsal.monitor import Answer, Monitor
from rehearsal.providers import provider_settings
from rehearsal.simulation import SimulatedAnswers
from rehearsal.state import Applied, StackState
from rehearsal.values import Secret, is_known, reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.drivers.base import Cloud, Driver
    from rehearsal.graph import Graph, Resource

T = TypeVar("T")
Operation = Literal["create", "update", "replace", "delete", "same", "keep"]


@dataclass(frozen=True, slots=True)
class Event:
    """One resource has been dealt with."""

    operation: Operation
    urn: str
    type: str
    name: str
    seconds: float
    fidelity: str
    """`real`, `validated` (checked against its schema, not run) or `simulated`."""
    changed: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What applying a stack has done."""

    stack: str
    graph: Graph | None
    events: tuple[Event, ...]
    seconds: float

    def counts(self) -> Counter[str]:
        """How many resources each operation was done to."""
        return Counter(event.operation for event in self.events)

    def simulated(self) -> int:
        """How many resources no driver makes."""
        return sum(event.fidelity == "simulated" for event in self.events)


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
    _simulated: SimulatedAnswers = field(init=False)
    _providers: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._simulated = SimulatedAnswers(self.outputs_of)

    def stack_outputs(self, stack: str) -> Mapping[str, Any] | None:
        """What the other stack exported when it was applied."""
        return self.outputs_of(stack)

    def answer(self, resource: Resource) -> Answer:
        """Make, change, replace or leave one resource."""
        self.check_interrupt()
        offline = self._simulated.answer(resource)
        self.seen.add(resource.urn)
        if resource.is_provider:
            self._providers[resource.urn] = (
                resource.type,
                provider_settings(resource.type, resource.inputs),
            )
            self._keep_provider(resource, offline)
            return offline
        began = time.monotonic()
        driver = drivers().get(resource.type)
        previous = self.state.resources.get(resource.urn)
        if previous is not None and self._is_lost(previous, driver):
            previous = None
        operation, changed, applied = self._make(resource, previous, driver, offline)
        self.observe(
            Event(
                operation,
                resource.urn,
                resource.type,
                resource.name,
                time.monotonic() - began,
                fidelity(driver),
                changed,
            )
        )
        return Answer(applied.id, applied.outputs)

    def delete(self, applied: Applied) -> None:
        """Delete a resource from the local cloud."""
        driver = drivers().get(applied.type)
        if driver is None or applied.id is None or self._is_lost(applied, driver):
            return
        try:
            driver.delete(
                applied.id, reveal(applied.inputs), reveal(applied.outputs), self._cloud(applied)
            )
        except Exception as error:
            raise DriverFailedError(self.stack, "delete", applied.urn, None, error) from error

    def _make(
        self,
        resource: Resource,
        previous: Applied | None,
        driver: Driver | None,
        offline: Answer,
    ) -> tuple[Operation, tuple[str, ...], Applied]:
        if previous is None or previous.creating:
            return "create", (), self._create(resource, driver, offline)
        inputs = with_ignored(previous.inputs, resource.inputs, resource.ignore_changes)
        resource = replace(resource, inputs=inputs)
        changed = changed_properties(previous.inputs, inputs)
        if not changed:
            kept = self._applied(resource, previous.id, previous.outputs)
            if kept != previous:
                self.state.put(kept)
            return "same", (), kept
        if self._needs_replacement(resource, previous, driver, changed):
            return "replace", changed, self._replace(resource, previous, driver, offline)
        if driver is None:
            outputs = offline.outputs
        else:
            self._refuse_unknown(resource)
            outputs = self._drive(
                resource,
                "update",
                lambda: driver.update(
                    previous.id or "",
                    reveal(previous.inputs),
                    reveal(inputs),
                    reveal(previous.outputs),
                    self._cloud(resource),
                ),
            )
        applied = self._applied(resource, previous.id, outputs)
        self.state.put(applied)
        return "update", changed, applied

    def _create(self, resource: Resource, driver: Driver | None, offline: Answer) -> Applied:
        if driver is None:
            applied = self._applied(resource, offline.id, offline.outputs)
        else:
            self._refuse_unknown(resource)
            self.state.put(replace(self._applied(resource, None, {}), creating=True))
            identity, outputs = self._drive(
                resource,
                "create",
                lambda: driver.create(
                    resource.name, reveal(resource.inputs), self._cloud(resource)
                ),
            )
            applied = self._applied(resource, identity, outputs)
        self.state.put(applied)
        return applied

    def _replace(
        self, resource: Resource, previous: Applied, driver: Driver | None, offline: Answer
    ) -> Applied:
        if previous.protect:
            raise ProtectedResourceError(self.stack, resource)
        if resource.delete_before_replace or (
            driver is not None and _replaces(driver, "deletes_first", previous, resource)
        ):
            self.delete(previous)
            self.state.remove(previous.urn)
            return self._create(resource, driver, offline)
        self.state.supersede(replace(previous, replaced=True))
        return self._create(resource, driver, offline)

    @staticmethod
    def _needs_replacement(
        resource: Resource, previous: Applied, driver: Driver | None, changed: tuple[str, ...]
    ) -> bool:
        forcing = top_level(resource.replace_on_changes)
        if driver is not None:
            forcing |= driver.replaced_by
            if _replaces(driver, "replaces", previous, resource):
                return True
        return "*" in forcing or not forcing.isdisjoint(changed)

    def _is_lost(self, applied: Applied, driver: Driver | None) -> bool:
        """Whether the cloud that held it is gone: moto forgets all when it restarts."""
        return (
            driver is not None
            and applied.type.startswith("aws:")
            and applied.generation != self.generation
        )

    def _applied(
        self, resource: Resource, identity: str | None, outputs: dict[str, Any]
    ) -> Applied:
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
            generation=self.generation,
        )

    def _keep_provider(self, resource: Resource, answer: Answer) -> None:
        applied = self._applied(resource, answer.id, {})
        if self.state.resources.get(resource.urn) != applied:
            self.state.put(applied)

    def _cloud(self, resource: Resource | Applied) -> Cloud:
        type, settings = self._providers.get(resource.provider or "", ("", {}))
        if not type and resource.provider in self.state.resources:
            kept = self.state.resources[resource.provider]
            type, settings = kept.type, provider_settings(kept.type, kept.inputs)
        region = resource.inputs.get("region")
        if type == f"{PROVIDER_PREFIX}aws" and isinstance(region, str):
            # Every AWS resource may be in another region than its provider.
            settings = {**settings, "region": region}
        return self.cloud_for(type, settings)

    def _refuse_unknown(self, resource: Resource) -> None:
        unknown = [key for key, value in resource.inputs.items() if not is_known(value)]
        if unknown:
            raise DriverFailedError(
                self.stack,
                "create",
                resource.urn,
                resource.source,
                ValueError(f"{', '.join(unknown)} would only be known to a real cloud"),
            )

    def _drive(self, resource: Resource, verb: str, act: Callable[[], T]) -> T:
        try:
            return act()
        except Exception as error:
            raise DriverFailedError(
                self.stack, verb, resource.urn, resource.source, error
            ) from error


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
        answers.delete(left)
        state.remove_leftover(left)
        answers.observe(_event("delete", left, began, "replaced"))
    for step in plan_deletions(state.resources, answers.seen):
        answers.check_interrupt()
        began = time.monotonic()
        applied = step.resource
        if step.kept_because:
            answers.observe(_event("keep", applied, began, step.kept_because))
            continue
        if not applied.retain_on_delete:
            answers.delete(applied)
        state.remove(applied.urn)
        if not applied.type.startswith(PROVIDER_PREFIX):
            reason = "retained in the cloud" if applied.retain_on_delete else ""
            answers.observe(_event("delete", applied, began, reason))


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


def fidelity(driver: Driver | None) -> str:
    """How real what a driver makes is; no driver at all is `simulated`."""
    return "simulated" if driver is None else getattr(driver, "fidelity", "real")


def _replaces(driver: Driver, rule: str, previous: Applied, resource: Resource) -> bool:
    """What a driver says of a replacement that depends on more than top-level properties."""
    decide = getattr(driver, rule, None)
    return decide is not None and decide(reveal(previous.inputs), reveal(resource.inputs))
