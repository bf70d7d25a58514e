"""Creates, updates and deletes single resources through their drivers.

What is about to be done is in the stack's journal before it is, with the id of the attempt, so
that the next rehearsal ends what a kill cut short before it does anything else.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from rehearsal.attempts import attempting, new_attempt
from rehearsal.drivers import drivers
from rehearsal.errors import DriverFailedError
from rehearsal.graph import PROVIDER_PREFIX
from rehearsal.providers import provider_settings
from rehearsal.state import Begun
from rehearsal.values import Secret, is_known, reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.drivers.base import Cloud
    from rehearsal.graph import Source
    from rehearsal.outcome import Operation
    from rehearsal.state import Applied, StackState

T = TypeVar("T")


@dataclass
class Operations:
    """Does to the local cloud what becomes of one stack's resources, and journals it."""

    stack: str
    state: StackState
    cloud_for: Callable[[str, Mapping[str, Any]], Cloud]
    generation: str
    _providers: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)

    def use_provider(self, urn: str, type: str, inputs: Mapping[str, Any]) -> None:
        """Keep in mind how a provider that the program has registered is set."""
        self._providers[urn] = (type, provider_settings(type, inputs))

    def is_lost(self, applied: Applied) -> bool:
        """Whether the cloud that held it is gone: moto forgets all when it restarts."""
        return (
            applied.type in drivers()
            and applied.type.startswith("aws:")
            and applied.generation != self.generation
        )

    def create(
        self, wanted: Applied, source: Source | None = None, *, replaces: bool = False
    ) -> Applied:
        """Create what is wanted; with `replaces` the former one is left to be deleted later.

        What is wanted under an id is there already, and is taken over.
        """
        begun = Begun("replace" if replaces else "create", new_attempt(), wanted)
        return self._do(begun, source)

    def update(self, wanted: Applied, source: Source | None = None) -> Applied:
        """Change in place what is there under the wanted URN."""
        return self._do(Begun("update", new_attempt(), wanted), source)

    def delete(self, applied: Applied) -> None:
        """Delete a resource from the local cloud; that there is none any more is no error."""
        driver = drivers().get(applied.type)
        if driver is None or applied.id is None or self.is_lost(applied):
            return
        try:
            driver.delete(
                applied.id, reveal(applied.inputs), reveal(applied.outputs), self._cloud(applied)
            )
        except Exception as error:
            raise DriverFailedError(self.stack, "delete", applied.urn, None, error) from error

    def finish_begun(self) -> dict[str, Operation]:
        """End what an earlier rehearsal had begun and not ended: its operations by URN."""
        finished: dict[str, Operation] = {}
        for begun in list(self.state.begun.values()):
            urn = begun.wanted.urn
            if self.is_lost(begun.wanted):
                self.state.abandon(urn)
                continue
            # What is refused now is asked for again by the program, which can say in which line.
            with suppress(DriverFailedError):
                self._do(begun, None)
                finished[urn] = begun.operation
        return finished

    def _do(self, begun: Begun, source: Source | None) -> Applied:
        wanted = begun.wanted
        self._refuse_unknown(wanted, source)
        self.state.begin(begun)
        try:
            with attempting(begun.attempt):
                identity, outputs = self._drive(begun)
        except Exception as error:
            self.state.abandon(wanted.urn)
            verb = "update" if begun.operation == "update" else "create"
            raise DriverFailedError(self.stack, verb, wanted.urn, source, error) from error
        made = replace(wanted, id=identity, outputs=_concealed(wanted, outputs))
        self.state.put(made, replaces=begun.operation == "replace")
        return made

    def _drive(self, begun: Begun) -> tuple[str | None, dict[str, Any]]:
        wanted, cloud = begun.wanted, self._cloud(begun.wanted)
        driver = drivers()[wanted.type]
        if begun.operation != "update" and wanted.id is not None:
            adopt = getattr(driver, "adopt", None)
            if adopt is None:
                raise NotImplementedError(f"the local cloud can't import a {wanted.type}")
            return wanted.id, adopt(wanted.id, reveal(wanted.inputs), cloud)
        if begun.operation != "update":
            return driver.create(wanted.name, reveal(wanted.inputs), cloud)
        previous = self.state.resources[wanted.urn]
        outputs = driver.update(
            previous.id or "",
            reveal(previous.inputs),
            reveal(wanted.inputs),
            reveal(previous.outputs),
            cloud,
        )
        return previous.id, outputs

    def _cloud(self, applied: Applied) -> Cloud:
        type, settings = self._providers.get(applied.provider or "", ("", {}))
        if not type and applied.provider in self.state.resources:
            kept = self.state.resources[applied.provider]
            type, settings = kept.type, provider_settings(kept.type, kept.inputs)
        region = applied.inputs.get("region")
        if type == f"{PROVIDER_PREFIX}aws" and isinstance(region, str):
            # Every AWS resource may be in another region than its provider.
            settings = {**settings, "region": region}
        return self.cloud_for(type, settings)

    def _refuse_unknown(self, wanted: Applied, source: Source | None) -> None:
        unknown = [key for key, value in wanted.inputs.items() if not is_known(value)]
        if unknown:
            error = ValueError(f"{', '.join(unknown)} would only be known to a real cloud")
            raise DriverFailedError(self.stack, "create", wanted.urn, source, error)


def _concealed(wanted: Applied, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs, secret where the program says so or where a secret input comes back."""
    given = {
        name
        for name, value in wanted.inputs.items()
        if isinstance(value, Secret) and name in outputs
    }
    return {
        name: Secret(reveal(value)) if name in given or name in wanted.secret_outputs else value
        for name, value in outputs.items()
    }
