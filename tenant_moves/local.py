"""The local cloud as a move sees it: moto, real PostgreSQL servers, real PgBouncers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from catalog import names
from database_moves import durable
from database_moves.database import Database
from database_moves.errors import MoveError
from database_moves.poolers.pgbouncer import PgBouncer
from rehearsal.errors import ProgramError
from rehearsal.rehearse import Rehearsal
from rehearsal.servers.moto import MotoServer
from rehearsal.servers.poolers import program
from rehearsal.servers.process import Locked
from rehearsal.stack_poolers import start_poolers
from rehearsal.state import StackState
from stacks.ledger import read_ledger
from stacks.lost_side import listed
from tenant_moves.slices import DatabaseAt, Exports, NotBroughtUpError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from catalog.catalog import Catalog, Ledger
    from catalog.tenant import Placement
    from database_moves.poolers.pooler import Pooler
    from rehearsal.local_cloud import LocalCloud
    from rehearsal.outcome import Event, Outcome
    from rehearsal.rehearse import Observer
    from stacks.lost_side import LostSide
    from tenant_moves.plan import Plan


BUSY_SECONDS = 1800.0
"""How long a move waits while other tenants' stacks are brought up: many may move at once."""


class Silent:
    """An observer of a rehearsal that has nothing to say."""

    def stack_begins(self, stack: str, *, removed: bool) -> None:
        """Nothing is said."""

    def resource_done(self, event: Event) -> None:
        """Nothing is said."""

    def stack_ends(self, outcome: Outcome) -> None:
        """Nothing is said."""


@dataclass(frozen=True)
class LocalAws:
    """moto's server, found by the directory it runs from."""

    directory: Path

    def client(self, service: str, account: str, region: str) -> Any:
        """A client; raises `MotoNotRunning`."""
        return _server(self.directory).client(service, account, region)

    def rclone(self, account: str, region: str) -> dict[str, str]:
        """See `platform.Aws`."""
        running = _server(self.directory).status()
        if running is None:
            raise MoveError(
                "the local cloud does not run", remedy="start it with `patchworks local start`"
            )
        return {
            "PROVIDER": "Other",
            "ENDPOINT": running.url,
            "REGION": region,
            "ACCESS_KEY_ID": account,
            "SECRET_ACCESS_KEY": "local",
            "FORCE_PATH_STYLE": "true",
        }


class LocalPlatform:
    """A catalog on the cloud of this machine."""

    dialled: Mapping[str, str] = {}

    def __init__(self, catalog: Catalog, cloud: LocalCloud, observer: Observer) -> None:
        self._catalog = catalog
        self._cloud = cloud
        self._observer = observer

    @property
    def catalog(self) -> Catalog:
        """What people declare."""
        return self._catalog

    @cached_property
    def aws(self) -> LocalAws:
        """moto."""
        return LocalAws(self._cloud.root / "moto")

    @property
    def deployer(self) -> LocalAws:
        """Nobody is refused anything there."""
        return self.aws

    @property
    def directory(self) -> Path:
        """Beside what else the local cloud keeps."""
        return self._cloud.root / "moves"

    def bring_up(self, tenant: str) -> Exports:
        """Rehearse the tenant's stack and start the poolers of its slices."""
        try:
            with self._cloud.exclusively(BUSY_SECONDS):
                Rehearsal(self._catalog, self._cloud, self._observer).run_alone(f"tenant.{tenant}")
                if program() is not None:
                    start_poolers(self._cloud, tenant)
        except (ProgramError, LookupError, Locked) as error:
            raise MoveError(
                f"the stack of {tenant} can't be brought up: {error}",
                remedy=f"`patchworks rehearse tenant.{tenant}` says more",
            ) from error
        return self.exports(tenant)

    def bring_up_peering(self, stack: str) -> None:
        """Rehearse it, though nothing here needs one: all servers are on this machine."""
        try:
            with self._cloud.exclusively(BUSY_SECONDS):
                Rehearsal(self._catalog, self._cloud, self._observer).run_alone(stack)
        except (ProgramError, LookupError, Locked) as error:
            raise MoveError(
                f"{stack} can't be brought up: {error}",
                remedy="bring up both cells: `patchworks rehearse`",
            ) from error

    def reaches(self, plan: Plan) -> bool:
        """It does: all servers are on this machine."""
        del plan
        return True

    def exports(self, tenant: str) -> Exports:
        """From the state of the last rehearsal."""
        try:
            outputs = self._cloud.stack_outputs(f"tenant.{tenant}")
        except LookupError as error:
            raise NotBroughtUpError(
                str(error), remedy=f"bring it up: `patchworks rehearse tenant.{tenant}`"
            ) from None
        return Exports.read(outputs)

    def kept(self) -> Collection[str]:
        """By the states of stacks that were applied."""
        found = self._cloud.applied_stacks()
        return [name.removeprefix("tenant.") for name in found if name.startswith("tenant.")]

    def maintenance(self, tenant: str, place: Placement) -> Database | None:
        """The server is known by its cluster's name."""
        cell = self._catalog.cells[place.cell]
        own = place.dedicated is not None
        name = names.dedicated_database(tenant) if own else place.database
        cluster = names.database_cluster(cell, name)
        try:
            # Any port will do for a cluster's name.
            server = self._cloud.postgresql.find(f"{cluster}.local", 0)
        except LookupError:
            if own and cluster not in self._cloud.postgresql.recorded():
                return None
            raise MoveError(
                f"the database server {cluster} does not run",
                remedy=f"`patchworks rehearse cell.{cell.name}` brings the cell up",
            ) from None
        return Database(server.mover_dsn(), "target")

    def mover_dsn(self, at: DatabaseAt) -> str:
        """As the login that the bootstrap of every database makes."""
        try:
            server = self._cloud.postgresql.find(at.writer_endpoint, at.port)
        except LookupError as error:
            raise MoveError(
                f"a database server of the tenant does not run: {error}",
                remedy="start the local cloud: `patchworks local start`",
            ) from None
        return server.mover_dsn(at.database)

    def poolers(
        self, tenant: str, source: Database, target: Database, cells: Collection[str]
    ) -> tuple[Pooler, ...]:
        """One PgBouncer a cell, where it is installed."""
        if program() is None:
            return ()
        found = []
        for cell in self._cloud.poolers.cells(tenant):
            with contextlib.suppress(LookupError):
                running = start_poolers(self._cloud, tenant, cells)[cell]
                found.append(PgBouncer(running.console_dsn, running.config, source, target))
        return tuple(found)

    def hindrances(self, plan: Plan) -> Iterator[str]:
        """None: all servers are on this machine."""
        del plan
        return iter(())

    def store_url(self, tenant: str) -> str:
        """A file beside the rest."""
        del tenant
        return durable.store_url(self.directory)

    def copy_url(self, tenant: str, place: Placement) -> str | None:
        """None: the file is in no cell."""
        del tenant, place
        return None

    def has_on(self, stack: str, side: LostSide) -> list[str]:
        """By the rehearsal's state."""
        state = StackState.read(self._cloud.stack_state(stack), self._cloud.secrets)
        lost = [each for each in state.resources.values() if side.has(each.urn, each.provider)]
        return listed((each.urn, each.id) for each in lost)

    def let_go(self, stack: str, side: LostSide) -> None:
        """Out of the rehearsal's state."""
        try:
            with self._cloud.exclusively(BUSY_SECONDS):
                file = self._cloud.stack_state(stack)
                self._let_go(StackState.open(file, self._cloud.secrets), side)
        except Locked as error:
            raise MoveError(f"the state of {stack} can't be changed: {error}") from error

    @staticmethod
    def _let_go(state: StackState, side: LostSide) -> None:
        for each in list(state.resources.values()):
            if side.has(each.urn, each.provider):
                state.remove(each.urn)
        for left in [each for each in state.leftovers if side.has(each.urn, each.provider)]:
            state.remove_leftover(left)
        for each in state.resources.values():
            if each.protect and side.held(each.urn, each.provider):
                state.put(replace(each, protect=False))

    def served(self) -> Ledger:
        """Read from moto's table."""
        organization = self._catalog.organization
        return read_ledger(
            self._catalog,
            self.aws.client("dynamodb", organization.accounts.management, organization.home_region),
        )


_servers: dict[Path, MotoServer] = {}


def _server(directory: Path) -> MotoServer:
    return _servers.setdefault(directory, MotoServer(directory))
