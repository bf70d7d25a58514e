"""Delivers to the cloud on this machine: stacks are rehearsed, records lie in its own DynamoDB."""

from __future__ import annotations

import getpass
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from delivery.engine import Brought, EngineError, Look
from delivery.inputs import exports_digest
from delivery.local_backups import LocalBackups
from rehearsal import engine
from rehearsal.access import try_secrets
from rehearsal.changes import changed_properties, with_ignored
from rehearsal.errors import ProgramError
from rehearsal.evaluation import PROJECT
from rehearsal.graph import PROVIDER_PREFIX
from rehearsal.monitor import Answer, Monitor
from rehearsal.rehearse import Rehearsal
from rehearsal.simulation import SimulatedAnswers
from rehearsal.state import StackState
from stacks.ledger import read_ledger
from stacks.programs import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from catalog.catalog import Catalog, Ledger
    from rehearsal.graph import Resource
    from rehearsal.local_cloud import LocalCloud
    from rehearsal.outcome import Event, Outcome


class LocalEngine:
    """The rehearsal as an engine; one stack at a time, as it runs in this process."""

    name = "local"
    at_once = 1
    runs_pods = False

    def __init__(self, catalog: Catalog, cloud: LocalCloud) -> None:
        """`cloud` runs."""
        self._catalog = catalog
        self._cloud = cloud
        self._one = threading.Lock()

    def dynamodb(self) -> Any:
        """A client of the organization's tables on this machine."""
        organization = self._catalog.organization
        return self.aws("dynamodb", organization.accounts.management, organization.home_region)

    def aws(self, service: str, account: str, region: str) -> Any:
        """A client of moto."""
        return self._cloud.aws(service, account, region)

    def backups(self) -> LocalBackups:
        """Dumps that are taken when they are asked for."""
        return LocalBackups(self._catalog.organization, self._cloud)

    def smoke(self, tenants: Sequence[str]) -> Iterator[Look]:
        """Whether each tenant's secret opens its own database and no other's, over connections."""
        for tried in try_secrets(self._catalog, self._cloud, tenants):
            yield Look(
                f"the secret of {tried.tenant} on the database of {tried.database_of}",
                "" if tried.as_promised else tried.answer,
            )

    def ledger(self) -> Ledger:
        """Where each tenant is served now; raises `LookupError` without an organization."""
        return read_ledger(self._catalog, self.dynamodb())

    def refuses(self, stack: str) -> str:
        """Nothing: whoever has this machine may do all."""
        del stack
        return ""

    def up(self, stack: str) -> Brought:
        """Rehearse one stack on those that it refers to."""
        try:
            with self._one, self._cloud.exclusively():
                outcome = Rehearsal(self._catalog, self._cloud, _Silent()).run_alone(stack)
        except (ProgramError, LookupError) as error:
            raise EngineError(str(error)) from error
        assert outcome.graph is not None
        changes = {operation: count for operation, count in outcome.counts().items() if count}
        return Brought(changes, exports_digest(outcome.graph.exports))

    def differences(self, stack: str, *, settings: bool = False) -> dict[str, int]:
        """What rehearsing a stack again would do; nothing is touched, and no drift is seen.

        The program is compared with what was applied of it. What somebody changed in the cloud on
        this machine meanwhile does not show.
        """
        state = StackState.read(self._cloud.stack_state(stack), self._cloud.secrets)
        answers = _AsApplied(state, self._cloud.stack_outputs)
        try:
            monitor = Monitor(PROJECT, stack, answers)
            engine.run(program(self._catalog, stack, self.ledger()), monitor, preview=True)
        except (ProgramError, LookupError) as error:
            raise EngineError(str(error)) from error
        return answers.differences("aws:" if settings else "")

    def whoami(self) -> str:
        """The person at this machine."""
        return f"{getpass.getuser()} on this machine"


class _AsApplied:
    """Answers a program with what was applied before, and counts what differs from it."""

    def __init__(
        self, state: StackState, outputs_of: Callable[[str], Mapping[str, Any] | None]
    ) -> None:
        self._state = state
        self._outputs_of = outputs_of
        self._new = SimulatedAnswers(outputs_of)
        self._seen: set[str] = set()
        self._counts: Counter[tuple[str, str]] = Counter()

    def stack_outputs(self, stack: str) -> Mapping[str, Any] | None:
        """What another stack exported when it was applied."""
        return self._outputs_of(stack)

    def answer(self, resource: Resource) -> Answer:
        """As it was applied; made up where it was not."""
        names = (resource.urn, *resource.aliases)
        known = next((urn for urn in names if urn in self._state.resources), None)
        if known is None or resource.is_provider:
            self._counts["create", resource.type] += not resource.is_provider
            self._seen.add(resource.urn)
            return self._new.answer(resource)
        self._seen.add(known)
        applied = self._state.resources[known]
        inputs = with_ignored(applied.inputs, resource.inputs, resource.ignore_changes)
        self._counts["update", resource.type] += bool(changed_properties(applied.inputs, inputs))
        return Answer(applied.id, applied.outputs)

    def differences(self, types: str) -> dict[str, int]:
        """How many resources whose type begins so differ, by what would be done to them."""
        found: Counter[str] = Counter()
        for (operation, kind), count in self._counts.items():
            found[operation] += count if kind.startswith(types) else 0
        found["delete"] = sum(
            urn not in self._seen
            and applied.type.startswith(types)
            and not applied.type.startswith(PROVIDER_PREFIX)
            for urn, applied in self._state.resources.items()
        )
        return {operation: count for operation, count in found.items() if count}


class _Silent:
    """Has nothing to say of single resources."""

    def stack_begins(self, stack: str, *, removed: bool) -> None:
        """Say nothing."""

    def resource_done(self, event: Event) -> None:
        """Say nothing."""

    def stack_ends(self, outcome: Outcome) -> None:
        """Say nothing."""
