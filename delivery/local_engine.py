"""Delivers to the cloud on this machine: stacks are rehearsed, records lie in its own DynamoDB."""

from __future__ import annotations

import getpass
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from delivery.engine import Brought, EngineError, Look
from delivery.inputs import exports_digest
from delivery.local_backups import LocalBackups
from delivery.local_preview import AsApplied
from rehearsal import engine
from rehearsal.access import try_secrets
from rehearsal.errors import ProgramError
from rehearsal.evaluation import PROJECT
from rehearsal.monitor import Monitor
from rehearsal.rehearse import Rehearsal
from rehearsal.state import StackState
from stacks.ledger import read_ledger
from stacks.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalog.catalog import Catalog, Ledger
    from delivery.engine import ResourceChange
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
        types = "aws:" if settings else ""
        return dict(
            Counter(
                change.operation for change in self._compare(stack) if change.type.startswith(types)
            )
        )

    def preview(self, stack: str) -> tuple[ResourceChange, ...]:
        """What rehearsing a stack would do to each resource; nothing is touched.

        A stack that was never rehearsed has nothing to compare with.
        """
        if not self._cloud.stack_state(stack).exists():
            raise EngineError(f"{stack} was never brought up on the cloud of this machine")
        return tuple(self._compare(stack))

    def _compare(self, stack: str) -> list[ResourceChange]:
        state = StackState.read(self._cloud.stack_state(stack), self._cloud.secrets)
        answers = AsApplied(state, self._cloud.stack_outputs)
        try:
            monitor = Monitor(PROJECT, stack, answers)
            engine.run(program(self._catalog, stack, self.ledger()), monitor, preview=True)
        except (ProgramError, LookupError) as error:
            raise EngineError(str(error)) from error
        return answers.changes()

    def whoami(self) -> str:
        """The person at this machine."""
        return f"{getpass.getuser()} on this machine"


class _Silent:
    """Has nothing to say of single resources."""

    def stack_begins(self, stack: str, *, removed: bool) -> None:
        """Say nothing."""

    def resource_done(self, event: Event) -> None:
        """Say nothing."""

    def stack_ends(self, outcome: Outcome) -> None:
        """Say nothing."""
