"""A side of a tenant's move that is gone for good: its server is killed, or a whole cell silent."""

from __future__ import annotations

import contextlib
import shutil
import signal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from botocore.exceptions import EndpointConnectionError
from psycopg.conninfo import make_conninfo
from tenant_journey import IRELAND, TENANT, VIRGINIA

from catalog import names
from rehearsal.servers import process
from stacks.spans import keeps_records
from tenant_moves import aws_store, entries
from tenant_moves.local import LocalPlatform, Silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tenant_journey import TenantJourney

    from catalog.tenant import Placement
    from tenant_moves.slices import DatabaseAt

PEERING = f"peering.{IRELAND}.{VIRGINIA}"


def gone(
    journey: TenantJourney, cell: str, database: str
) -> contextlib.AbstractContextManager[None]:
    """While it lasts, a database server was killed; `clear` what is there of the tenant later."""
    return journey.without_server(f"{cell}-{database}", signal.SIGKILL)


@contextlib.contextmanager
def cell_gone(
    journey: TenantJourney, platform: InCells, cell: str, *databases: str
) -> Iterator[None]:
    """While it lasts, nothing in a cell answers, nor do these database servers of it."""
    with contextlib.ExitStack() as lost:
        for database in databases:
            lost.enter_context(gone(journey, cell, database))
        platform.lose(cell, lost.enter_context(pytest.MonkeyPatch.context()))
        yield


def clear(journey: TenantJourney, cell: str, database: str, told: Sequence[str]) -> None:
    """Do what a person does who finds that server again: what was told, and drop the database.

    What is there of the tenant would keep it from coming back.
    """
    server = journey.cloud.postgresql.find(f"{cell}-{database}.local", 0)
    (commands_told,) = [text.partition("run in it: ")[2] for text in told if "run in it" in text]
    inside = make_conninfo(server.superuser_dsn, dbname=names.database(TENANT))
    with psycopg.connect(inside, autocommit=True) as session:
        assert "patchworks" in commands_told
        for command in filter(None, map(str.strip, commands_told.split(";"))):
            if "SUBSCRIPTION" in command:
                there = session.execute("SELECT FROM pg_subscription").fetchone()
                if there is None:
                    continue
            session.execute(command.encode())
        for catalog in ("pg_subscription", "pg_publication", "pg_replication_slots"):
            assert session.execute(f"SELECT FROM {catalog}".encode()).fetchall() == []
    with psycopg.connect(server.superuser_dsn, autocommit=True) as session:
        session.execute(f"DROP DATABASE {names.database(TENANT)}".encode())
        for role in (names.application_role, names.read_only_role, names.owner_role):
            session.execute(f"DROP ROLE {role(TENANT)}".encode())


def balancer_protected(journey: TenantJourney, cell: str, protect: bool | None = None) -> bool:
    """Whether AWS protects the tenant's load balancer in a cell; first let it, where it is said."""
    found = journey.load().cells[cell]
    elbv2 = journey.cloud.aws("elbv2", found.account, found.region)
    name = names.load_balancer(found, TENANT)
    (balancer,) = elbv2.describe_load_balancers(Names=[name])["LoadBalancers"]
    at = {"LoadBalancerArn": balancer["LoadBalancerArn"]}
    if protect is not None:
        wanted = {"Key": "deletion_protection.enabled", "Value": str(protect).lower()}
        elbv2.modify_load_balancer_attributes(**at, Attributes=[wanted])
    attributes = elbv2.describe_load_balancer_attributes(**at)["Attributes"]
    return {"Key": "deletion_protection.enabled", "Value": "true"} in attributes


@contextlib.contextmanager
def record_closed(journey: TenantJourney, place: tuple[str, str]) -> Iterator[None]:
    """While it lasts, the server of a placement lets nobody into its record of moves."""
    server = journey.cloud.postgresql.find(f"{'-'.join(place)}.local", 0)
    # Made, where it was not yet.
    InCells(journey).url_in(*place)
    with psycopg.connect(server.superuser_dsn, autocommit=True) as session:
        closing = f"ALTER DATABASE {aws_store.DATABASE} ALLOW_CONNECTIONS {{}}"
        session.execute(closing.format("false").encode())
        try:
            yield
        finally:
            session.execute(closing.format("true").encode())


class LastingLogins(LocalPlatform):
    """Knows how movers come into a server that is no more, as secrets on AWS do."""

    def __init__(self, journey: TenantJourney) -> None:
        super().__init__(journey.load(), journey.cloud, Silent())
        exports = self.exports(TENANT)
        self._known = {
            at: super(LastingLogins, self).mover_dsn(at) for at in exports.databases.values()
        }

    def mover_dsn(self, at: DatabaseAt) -> str:
        return self._known[at]


class InCells(LocalPlatform):
    """Keeps the record of moves in the cells' own servers, as AWS does, and may lose a cell."""

    def __init__(self, journey: TenantJourney) -> None:
        self.cloud = journey.cloud
        super().__init__(journey.load(), self.cloud, Silent())
        self.reached: list[str] = []

    def store_url(self, tenant: str) -> str:
        entry = entries.table(self.catalog.organization, self.aws).entry(tenant)
        spans = entry.spans if entry is not None and entry.move is not None else ()
        cell = (spans[0] if spans else self.exports(tenant).serving).partition("/")[0]
        return self.url_in(cell, keeps_records(self.catalog.cells[cell]))

    def copy_url(self, tenant: str, place: Placement) -> str:
        del tenant
        return self.url_in(place.cell, place.database)

    def url_in(self, cell: str, database: str) -> str:
        """The record on one server."""
        place = self.catalog.tenants[TENANT].placement.model_copy(
            update={"cell": cell, "database": database}
        )
        server = self.maintenance(TENANT, place)
        assert server is not None
        return aws_store.url(server)

    def lose(self, cell: str, patch: pytest.MonkeyPatch) -> None:
        """Let nothing in a cell answer: no service of AWS there, no server, no pooler."""
        lost = self.catalog.cells[cell]
        ask, own = self.cloud.aws, type(self.aws).client

        def refuse(service: str, account: str, region: str) -> None:
            if (account, region) == (lost.account, lost.region):
                self.reached.append(service)
                raise EndpointConnectionError(endpoint_url=f"https://{service}.{region}")

        def aws(service: str, account: str, region: str) -> Any:
            refuse(service, account, region)
            return ask(service, account, region)

        def client(mover: Any, service: str, account: str, region: str) -> Any:
            refuse(service, account, region)
            return own(mover, service, account, region)

        patch.setattr(self.cloud, "aws", aws)
        patch.setattr(type(self.aws), "client", client)
        pooler = self.cloud.root / "poolers" / cell / TENANT / "pgbouncer.pid"
        assert process.stop(pooler, sign=signal.SIGKILL)


@contextlib.contextmanager
def stacks_put_back(journey: TenantJourney) -> Iterator[None]:
    """Afterwards the stacks know again what they let go of, so that it can be cleared away."""
    files = [journey.cloud.stack_state(stack) for stack in (f"tenant.{TENANT}", PEERING)]
    kept = [shutil.copy(file, file.with_suffix(".before")) for file in files]
    yield
    for file, copy in zip(files, kept, strict=True):
        shutil.move(copy, file)
    platform = journey.platform
    platform.bring_up(TENANT)
    platform.bring_up_peering(PEERING)
