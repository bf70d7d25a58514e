"""A tenant's move ends although one side is gone for good: a database server, or a whole cell."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from botocore.exceptions import EndpointConnectionError
from psycopg.conninfo import make_conninfo
from tenant_journey import IRELAND, MAX_PAUSE, TENANT, VIRGINIA

from catalog import names
from database_moves.errors import MoveError, RefusedError
from database_moves.options import MoveOptions
from rehearsal.servers import process
from rehearsal.stack_poolers import declared_poolers
from stacks.spans import keeps_records
from tenant_moves import aws_store, commands, records, without
from tenant_moves.asked import Asked
from tenant_moves.local import LocalPlatform, Silent
from tenant_moves.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tenant_journey import Ran, TenantJourney

    from catalog.tenant import Placement

pytestmark = pytest.mark.needs_pgbouncer

NIGHTLY = bool(os.environ.get("PATCHWORKS_NIGHTLY"))
HERE = (IRELAND, "pool-a")
THERE = (VIRGINIA, "pool-b")
FINISH = ("finish", "--without", "source")
GIVE_UP = ("rollback", "--without", "target")
ENDING = (
    *("tenant.database-ended", "tenant.closed", "tenant.let-go"),
    *("tenant.contracted", "tenant.parted"),
)
PEERING = f"peering.{IRELAND}.{VIRGINIA}"


def hint(command: str, side: str) -> str:
    return f"`patchworks tenant {command} {TENANT} --without {side}`"


@contextlib.contextmanager
def gone(journey: TenantJourney, cell: str, database: str) -> Iterator[None]:
    """While it lasts, a database server was killed; afterwards it is cleared, as people are told.

    What is there of the tenant then would keep it from coming back.
    """
    cluster = f"{cell}-{database}"
    version = journey.cloud.postgresql.recorded()[cluster]
    process.stop(journey.state / "postgresql" / cluster / "server.pid", sign=signal.SIGKILL)
    try:
        yield
    finally:
        journey.cloud.postgresql.ensure(cluster, version)


def clear(journey: TenantJourney, cell: str, database: str, told: Sequence[str]) -> None:
    """Do what a person does who finds that server again: what was told, and drop the database."""
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


def killed(ran: Ran) -> None:
    assert ran.killed, ran


def test_a_move_whose_old_server_is_gone_ends_without_a_last_dump_and_loses_no_write(
    journey: TenantJourney,
) -> None:
    journey.soak(HERE, THERE)
    for command, side, why in (
        ("finish", "source", "the source answers"),
        ("finish", "target", "has writes that are nowhere else"),
        ("rollback", "source", f"{hint('finish', 'source')} ends the move"),
        ("rollback", "target", "has writes that are nowhere else"),
    ):
        refused = journey.tenant(command, "--without", side)
        assert refused.code == 3, (command, side, refused)
        assert why in refused.error
    assert journey.tenant(*FINISH, "--keep-old-database").code == 2
    assert journey.tenant("finish", "--whole-cell").code == 2
    assert journey.entry().gone is None
    with journey.workload(VIRGINIA) as clients:
        with gone(journey, *HERE):
            clients.wait_for_writes(3)
            failed = journey.tenant("finish")
            assert failed.code == 1, failed
            assert hint("finish", "source") in failed.error
            looked = journey.tenant("status", "--verify")
            assert looked.code == 1, looked
            assert f"{'/'.join(HERE)} can't be asked" in " ".join(looked.out.split())
            assert looked.out.count(" NO ") == 1, looked.out
            killed(journey.tenant(*FINISH, kill_at="tenant.side-given-up"))
            other = journey.tenant("finish")
            assert (other.code, "is being ended without" in other.error) == (3, True), other
        # It was not gone for good.
        refused = journey.tenant(*FINISH)
        assert (refused.code, "the source answers" in refused.error) == (3, True), refused
        assert journey.entry().gone is None
        assert journey.disagreeing() == []
        with gone(journey, *HERE):
            for point in ENDING if NIGHTLY else ("tenant.database-ended", "tenant.let-go"):
                killed(journey.tenant(*FINISH, kill_at=point))
                clients.wait_for_writes(3)
                assert not [f for f in journey.disagreeing() if f.part != "stack"]
            ended = journey.tenant(*FINISH, "--json")
            assert ended.code == 0, ended.error
            again = journey.tenant(*FINISH)
            assert (again.code, "is in no move" in again.error) == (3, True), again
            verified = journey.tenant("status", "--verify")
            assert verified.code == 0, verified.out + verified.error
            assert "finished" in verified.out
            clients.wait_for_writes(3)
        assert journey.account(clients).pooler_errors == ()
    assert ended.json["serving"] == "/".join(THERE)
    assert any("no last dump" in text for text in ended.json["told"])
    # The database's alone: the rest of that cell answers, and was contracted as always.
    assert {left.split()[0].split(":")[0] for left in ended.json["left"]} == {"postgresql"}
    assert list(journey.platform.exports(TENANT).slices) == [VIRGINIA]
    assert (journey.peered(), journey.entry().spans, journey.entry().gone) == ([], (), None)
    assert [each.cell for each in journey.entry().retained] == [IRELAND]
    clear(journey, *HERE, ended.json["told"])


def test_a_move_whose_target_is_gone_is_given_up_and_the_tenant_is_served_as_before(
    journey: TenantJourney,
) -> None:
    journey.settle(*THERE)
    journey.declare(*HERE)
    with journey.workload(VIRGINIA) as clients:
        killed(journey.tenant("move", "--allow-older-target", kill_at="tenant.objects-brought"))
        refused = journey.tenant(*GIVE_UP)
        assert (refused.code, "the target answers" in refused.error) == (3, True), refused
        with gone(journey, *HERE):
            failed = journey.tenant("rollback")
            assert failed.code == 1, failed
            refused = journey.tenant(*GIVE_UP)
            assert refused.code == 3, refused
            assert f"declares {'/'.join(HERE)}" in refused.error
            assert journey.entry().gone is None
            journey.declare(*THERE)
            refused = journey.tenant("finish", "--without", "target")
            assert (refused.code, hint("rollback", "target") in refused.error) == (3, True)
            assert journey.tenant("rollback", "--without", "source").code == 3
            for point in ENDING if NIGHTLY else ("tenant.closed",):
                killed(journey.tenant(*GIVE_UP, kill_at=point))
                clients.wait_for_writes(3)
            ended = journey.tenant(*GIVE_UP, "--json")
            assert ended.code == 0, ended.error
            assert journey.disagreeing() == []
            clients.wait_for_writes(3)
        assert journey.account(clients).pooler_errors == ()
    assert ended.json["serving"] == "/".join(THERE)
    assert list(journey.platform.exports(TENANT).databases) == ["/".join(THERE)]
    assert (journey.peered(), journey.entry().move, journey.entry().spans) == ([], None, ())
    clear(journey, *HERE, ended.json["told"])


class InCells(LocalPlatform):
    """Keeps the record of moves in the cells' own servers, as AWS does, and may lose a cell."""

    def __init__(self, journey: TenantJourney) -> None:
        self.cloud = journey.cloud
        super().__init__(journey.load(), self.cloud, Silent())
        self.reached: list[str] = []

    def store_url(self, tenant: str) -> str:
        entry = commands.entries.table(self.catalog.organization, self.aws).entry(tenant)
        spans = entry.spans if entry is not None and entry.move is not None else ()
        cell = (spans[0] if spans else self.exports(tenant).serving).partition("/")[0]
        return self._url(cell, keeps_records(self.catalog.cells[cell]))

    def copy_url(self, tenant: str, place: Placement) -> str:
        del tenant
        return self._url(place.cell, place.database)

    def _url(self, cell: str, database: str) -> str:
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


def test_a_move_whose_old_cell_is_gone_with_its_record_ends_by_the_copy_that_followed_the_tenant(
    journey: TenantJourney, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey.settle(*THERE)
    journey.declare(*HERE)
    platform = InCells(journey)
    asked = Asked(
        platform,
        TENANT,
        MoveOptions(cutover="manual", jobs=2, allow_older_target=True, max_pause=MAX_PAUSE),
        lambda _: None,
        threading.Event(),
    )
    moved = commands.move(asked)
    assert moved.serving == "/".join(HERE)
    assert platform.store_url(TENANT) != platform.copy_url(TENANT, journey.entry().placement)
    with journey.workload(IRELAND) as clients, stacks_put_back(journey):
        with (
            gone(journey, VIRGINIA, "pool-a"),
            gone(journey, *THERE),
            monkeypatch.context() as patch,
        ):
            platform.lose(VIRGINIA, patch)
            clients.wait_for_writes(3)
            for whole_cell in (False, True):
                with pytest.raises(RefusedError, match="has writes that are nowhere else"):
                    without.finish(asked, "target", whole_cell=whole_cell)
            with pytest.raises((MoveError, EndpointConnectionError)):
                without.finish(asked, "source", whole_cell=False)
            platform.reached.clear()
            ended = without.finish(asked, "source", whole_cell=True)
            assert platform.reached == []
            assert ended.serving == "/".join(HERE)
            assert [each for each in verify(platform, TENANT) if not each.agrees] == []
            assert any("aws:s3/bucket:Bucket" in left for left in ended.left)
            clients.wait_for_writes(3)
            ledger = commands.entries.table(platform.catalog.organization, platform.aws)
            found = records.look(
                platform, TENANT, ledger.entry(TENANT), ledger.history(TENANT), samples=True
            )
            assert found is not None
            assert found.state is not None
            assert (found.state.phase, found.unreached) == ("finished", ())
            assert found.samples
        assert journey.account(clients).pooler_errors == ()
        assert declared_poolers(journey.cloud, TENANT).keys() == {IRELAND}
    clear(journey, *THERE, ended.told)
