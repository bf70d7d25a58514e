"""AWS as a move sees it: stacks by Pulumi's CLI, Aurora, poolers in the cells' clusters.

What runs it is inside the cell, such as its runners: databases and the cluster's API are private.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
from psycopg.conninfo import conninfo_to_dict

from catalog import names
from database_moves.database import Database
from database_moves.errors import MoveError
from database_moves.poolers.pgbouncer import way
from stacks import pulumi_cli
from stacks.ledger import read_ledger
from stacks.lost_side import cut, listed
from stacks.spans import keeps_records, peerings, span
from tenant_moves import aws_store, entries, pod_pooler
from tenant_moves.ambient import AmbientAws
from tenant_moves.aws_logins import DIALLED, Logins
from tenant_moves.cluster import Cluster
from tenant_moves.slices import Exports, NotBroughtUpError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from catalog.catalog import Catalog, Ledger
    from catalog.tenant import Placement
    from database_moves.poolers.pooler import Pooler
    from stacks.ledger_table import Entry
    from stacks.lost_side import LostSide
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Aws
    from tenant_moves.slices import DatabaseAt

STACK_PROFILE = "PATCHWORKS_STACK_PROFILE"
"""The variable that names the profile under which Pulumi's CLI works: that of the deploy role."""


class AwsPlatform:
    """A catalog on AWS, by the credentials at hand, which are those of the role `tenant-mover`."""

    dialled: Mapping[str, str] = DIALLED

    def __init__(
        self,
        catalog: Catalog,
        root: Path,
        observe: Callable[[str, str], None] = lambda _stack, _line: None,
    ) -> None:
        """`root` is the checkout; `observe` is told each line that the CLI prints, by stack."""
        self._catalog = catalog
        self._root = root
        self._observe = observe
        self._exported: dict[str, dict[str, Any]] = {}

    @property
    def catalog(self) -> Catalog:
        """What people declare."""
        return self._catalog

    @cached_property
    def aws(self) -> Aws:
        """AWS by what boto3 finds."""
        return AmbientAws(self._catalog.organization)

    @cached_property
    def deployer(self) -> Aws:
        """The deploy role, whom the clusters let in, too, as it declares what is in them."""
        return AmbientAws(self._catalog.organization, os.environ.get(STACK_PROFILE) or None)

    @property
    def directory(self) -> Path:
        """A directory of this machine; a runner's is gone after its job."""
        return Path(platformdirs.user_state_dir("patchworks")) / self._catalog.organization.name

    def bring_up(self, tenant: str) -> Exports:
        """Run `pulumi up` on the tenant's stack."""
        stack = f"tenant.{tenant}"
        self._exported.pop(stack, None)
        try:
            with pulumi_cli.explained(stack):
                selected = pulumi_cli.select(self._root, stack, self._environment)
                pulumi_cli.up(selected, lambda line: self._observe(stack, line))
        except pulumi_cli.CliError as error:
            raise MoveError(
                f"the stack of {tenant} can't be brought up: {error}",
                remedy=f"mend that; `pulumi preview --stack {stack}` says more",
            ) from error
        return self.exports(tenant)

    def bring_up_peering(self, stack: str) -> None:
        """Run `pulumi up` on it, after whoever does so at the moment."""
        try:
            pulumi_cli.up_in_turn(
                self._root, stack, lambda line: self._observe(stack, line), self._environment
            )
        except pulumi_cli.CliError as error:
            raise MoveError(
                f"{stack} can't be brought up: {error}",
                remedy=f"mend that; `pulumi preview --stack {stack}` says more",
            ) from error

    def reaches(self, plan: Plan) -> bool:
        """Within a cell, and to another one once the peering is there, by the ledger."""
        if plan.source.cell == plan.target.cell:
            return True
        entry = self._entry(plan.tenant)
        if entry is None or entry.parting:
            return False
        cells = {place.partition("/")[0] for place in entry.spans}
        return {plan.source.cell, plan.target.cell} <= cells

    def exports(self, tenant: str) -> Exports:
        """From the stack's state."""
        return Exports.read(self._outputs(f"tenant.{tenant}"))

    def kept(self) -> Collection[str]:
        """By the stacks that the backend has."""
        try:
            found = pulumi_cli.made(self._root, self._environment)
        except pulumi_cli.CliError as error:
            raise MoveError(f"the stacks can't be listed: {error}") from error
        names_only = (name.rpartition("/")[2] for name in found)
        return [name.removeprefix("tenant.") for name in names_only if name.startswith("tenant.")]

    def maintenance(self, tenant: str, place: Placement) -> Database | None:
        """By what the cell's stack exports, or the tenant's where the database is its own."""
        if place.dedicated is not None:
            found = self.exports(tenant).databases.get(f"{place.cell}/{place.database}")
            if found is None:
                return None
            host, port = found.writer_endpoint, found.port
        else:
            host, port = self._shared(place.cell, place.database)
        return Database(self._logins.dsn(host, port), "target", DIALLED)

    def mover_dsn(self, at: DatabaseAt) -> str:
        """By the login that the database's bootstrap made."""
        return self._logins.dsn(at.writer_endpoint, at.port, at.database)

    def poolers(
        self, tenant: str, source: Database, target: Database, cells: Collection[str]
    ) -> tuple[Pooler, ...]:
        """Every pod of the pooler of every slice in these cells."""
        exports, organization = self.exports(tenant), self._catalog.organization
        ways = [way(source, target), way(_reader(exports, source), _reader(exports, target))]
        found: list[Pooler] = []
        for name in sorted(set(exports.slices) & set(cells)):
            cluster = Cluster.of(organization, self._catalog.cells[name], self.deployer)
            found += pod_pooler.poolers(cluster, name, names.namespace(tenant), ways)
        return tuple(found)

    def hindrances(self, plan: Plan) -> Iterator[str]:
        """Whether the stack of the peering is there to be brought up: a person makes each once."""
        wanted = peerings(span(plan.source, plan.target))
        if not wanted:
            return
        try:
            known = pulumi_cli.known(self._root, self._environment)
        except pulumi_cli.CliError as error:
            yield f"the stacks can't be listed: {error}"
            return
        for stack in sorted(set(wanted) - set(known)):
            yield (
                f"the backend has no stack {stack}, by which the networks of {plan.source.cell} "
                f"and {plan.target.cell} are joined for the move: make it once, as README.md says "
                "of a cell's"
            )

    def store_url(self, tenant: str) -> str:
        """The record of moves in the cell where a move under way began, or that serves."""
        entry = self._entry(tenant)
        spans = entry.spans if entry is not None and entry.move is not None else ()
        place = spans[0] if spans else self.exports(tenant).serving
        cell, _, _ = place.partition("/")
        host, port = self._shared(cell, keeps_records(self._catalog.cells[cell]))
        return aws_store.url(Database(self._logins.dsn(host, port), "source"))

    def copy_url(self, tenant: str, place: Placement) -> str:
        """A record of moves on the placement's own server, which the mover reaches anyway."""
        server = self.maintenance(tenant, place)
        if server is None:
            raise MoveError(f"the server of {place.cell}/{place.database} is not there")
        return aws_store.url(server)

    def has_on(self, stack: str, side: LostSide) -> list[str]:
        """By the state that Pulumi's backend has."""
        try:
            found = pulumi_cli.resources(self._root, stack, self._environment)
        except pulumi_cli.CliError as error:
            raise MoveError(f"the state of {stack} can't be read: {error}") from error
        return listed((each["urn"], each.get("id")) for each in cut(found, side)[1])

    def let_go(self, stack: str, side: LostSide) -> None:
        """Out of the state that Pulumi's backend has."""
        try:
            pulumi_cli.rewrite(
                self._root, stack, lambda found: cut(found, side)[0], self._environment
            )
        except pulumi_cli.CliError as error:
            raise MoveError(f"the state of {stack} can't be changed: {error}") from error

    def served(self) -> Ledger:
        """Read from the organization's table."""
        organization = self._catalog.organization
        client = self.aws.client(
            "dynamodb", organization.accounts.management, organization.home_region
        )
        return read_ledger(self._catalog, client)

    def _entry(self, tenant: str) -> Entry | None:
        return entries.table(self._catalog.organization, self.aws).entry(tenant)

    @cached_property
    def _logins(self) -> Logins:
        return Logins(self._catalog, self.aws)

    @cached_property
    def _environment(self) -> dict[str, str]:
        """Credentials of this process's own must not go before the other profile's."""
        profile = os.environ.get(STACK_PROFILE)
        if not profile:
            return {}
        own = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return {"AWS_PROFILE": profile, **dict.fromkeys(own, "")}

    def _shared(self, cell: str, database: str) -> tuple[str, int]:
        try:
            found = self._outputs(f"cell.{cell}")["databases"][database]
        except KeyError:
            raise MoveError(
                f"the cell {cell} exports no database {database}", remedy=f"bring up cell.{cell}"
            ) from None
        return str(found["writer_endpoint"]), int(found["port"])

    def _outputs(self, stack: str) -> dict[str, Any]:
        """What a stack exports: the CLI is asked once, and again when the stack was brought up.

        It takes seconds, and nobody else brings up the stack of a tenant that is moved.
        """
        try:
            if stack not in self._exported:
                self._exported[stack] = pulumi_cli.exports(self._root, stack, self._environment)
            return self._exported[stack]
        except pulumi_cli.NoStackError as error:
            raise NotBroughtUpError(str(error)) from error
        except pulumi_cli.CliError as error:
            raise MoveError(f"the exports of {stack} can't be read: {error}") from error


def _reader(exports: Exports, writer: Database) -> Database:
    """The database as its readers' endpoint has it."""
    known = conninfo_to_dict(writer.dsn)
    for at in exports.databases.values():
        if (at.writer_endpoint, str(at.port)) == (known["host"], str(known["port"])):
            return Database(writer.conninfo(host=at.reader_endpoint), writer.side)
    return writer
