"""What rehearsing a program again would do to each resource that was applied of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from delivery.engine import ResourceChange
from planning.properties import differences
from planning.replacement.forces import verdict
from rehearsal.changes import top_level, with_ignored
from rehearsal.graph import PROVIDER_PREFIX
from rehearsal.monitor import Answer
from rehearsal.simulation import SimulatedAnswers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.graph import Resource
    from rehearsal.state import Applied, StackState

_MUTABLE = {"enableConfigMapMutable": True, "enableSecretMutable": True}
"""What the programs' Kubernetes providers are told."""


class AsApplied:
    """Answers a program with what was applied before, and notes what differs from it."""

    def __init__(
        self, state: StackState, outputs_of: Callable[[str], Mapping[str, Any] | None]
    ) -> None:
        self._state = state
        self._outputs_of = outputs_of
        self._new = SimulatedAnswers(outputs_of)
        self._seen: set[str] = set()
        self._found: list[ResourceChange] = []

    def stack_outputs(self, stack: str) -> Mapping[str, Any] | None:
        """What another stack exported when it was applied."""
        return self._outputs_of(stack)

    def answer(self, resource: Resource) -> Answer:
        """As it was applied; made up where it was not."""
        names = (resource.urn, *resource.aliases)
        known = next((urn for urn in names if urn in self._state.resources), None)
        if known is None or resource.is_provider:
            self._seen.add(resource.urn)
            if not resource.is_provider:
                self._found.append(ResourceChange("create", resource.type, resource.name))
            return self._new.answer(resource)
        self._seen.add(known)
        applied = self._state.resources[known]
        self._compare(resource, applied)
        return Answer(applied.id, applied.outputs)

    def changes(self) -> list[ResourceChange]:
        """All that differs; last what the program no longer has."""
        gone = [
            ResourceChange(
                "let go" if applied.retain_on_delete else "delete", applied.type, applied.name
            )
            for urn, applied in self._state.resources.items()
            if urn not in self._seen and not applied.type.startswith(PROVIDER_PREFIX)
        ]
        return [*self._found, *gone]

    def _compare(self, resource: Resource, applied: Applied) -> None:
        inputs = with_ignored(applied.inputs, resource.inputs, resource.ignore_changes)
        paths = tuple(change.path for change in differences(applied.inputs, inputs))
        if not paths:
            return
        always = top_level(resource.replace_on_changes)
        forced = tuple(
            path
            for path in paths
            if always & {"*", path.split(".")[0].partition("[")[0]}
            or verdict(resource.type, path, _MUTABLE).answer == "replaces"
        )
        operation: Literal["replace", "update"] = "replace" if forced else "update"
        self._found.append(ResourceChange(operation, resource.type, resource.name, paths, forced))
