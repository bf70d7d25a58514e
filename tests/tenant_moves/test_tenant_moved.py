"""A tenant moves between two cells and back while its application writes through the pooler."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tenant_journey import IRELAND, MAX_PAUSE, TENANT, VIRGINIA

from database_moves.errors import AbortedError, RefusedError
from database_moves.options import MoveOptions
from tenant_moves import commands, entries, sealing
from tenant_moves.fleet.gathering import gather

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenant_journey import TenantJourney

    from database_moves.progress import Step
    from tenant_moves.commands import Asked
    from tenant_moves.fleet.gathering import Gathered

pytestmark = pytest.mark.needs_pgbouncer

ODD_KEYS = ("a folder/", "100 % 'sure' \"ü\" #?&.txt")
NIGHTLY = bool(os.environ.get("PATCHWORKS_NIGHTLY"))
SECRET = 'p\'w "x" %41@:/$;ü'


def put(journey: TenantJourney, cell: str, key: str, body: str) -> None:
    s3, bucket = journey.s3(cell)
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=body.encode(),
        Metadata={"origin": "invoice 7"},
        ContentType="text/x-test",
    )


def fill(journey: TenantJourney) -> None:
    """Objects with all that a key may be, and a secret that somebody made by hand."""
    for number in range(60):
        put(journey, IRELAND, f"invoices/{number:04}.txt", f"invoice {number}")
    for key in ODD_KEYS:
        put(journey, IRELAND, key, f"body of {key}")
    journey.secrets(IRELAND).create_secret(
        Name=f"{IRELAND}/{TENANT}/partner-token", SecretString=SECRET
    )


class Changing(threading.Thread):
    """Writes, replaces and deletes objects where they are served, until told to stop."""

    def __init__(self, journey: TenantJourney, cell: str) -> None:
        super().__init__(daemon=True)
        self._journey, self._cell = journey, cell
        self.stopped = threading.Event()
        self.written = 0
        self.late: set[str] = set()
        """What was written while the bucket became read-only, which AWS would have refused."""

    def run(self) -> None:
        s3, bucket = self._journey.s3(self._cell)
        # moto enforces no policy: a bucket that is read-only is left alone as AWS would have it.
        while not self.stopped.wait(0.3) and not sealing.is_sealed(s3, bucket):
            self.written += 1
            key = f"changing/{self.written % 7}"
            put(self._journey, self._cell, key, f"{self.written}")
            if self.written % 5 == 0:
                s3.delete_object(Bucket=bucket, Key=key)
            if sealing.is_sealed(s3, bucket):
                self.late.add(key)


def test_a_tenant_goes_there_and_back_and_there_again_without_losing_a_write(
    journey: TenantJourney,
) -> None:
    journey.settle(*HERE)
    fill(journey)
    with journey.workload() as clients:
        clients.wait_for_writes(20)
        nothing = journey.tenant("move")
        assert (nothing.code, "nothing to move" in nothing.out) == (0, True), nothing.error

        journey.declare(VIRGINIA, "pool-b")
        changing = Changing(journey, IRELAND)
        changing.start()
        moved = journey.tenant("move", "--json")
        changing.join(300)
        assert not changing.is_alive()
        assert changing.written > 5
        assert moved.code == 0, moved.error
        assert moved.json["serving"] == f"{VIRGINIA}/pool-b"
        assert journey.disagreeing() == []
        assert journey.peered() == ["connection", "routes", "rules"]
        brought, left = (
            {key: each for key, each in journey.objects(cell).items() if key not in changing.late}
            for cell in (VIRGINIA, IRELAND)
        )
        assert brought == left
        assert brought["invoices/0007.txt"] == (
            *(b"invoice 7", {"origin": "invoice 7"}, "text/x-test"),
        )
        secret = journey.secrets(VIRGINIA).describe_secret(
            SecretId=f"{VIRGINIA}/{TENANT}/partner-token"
        )
        assert secret["KmsKeyId"] == journey.platform.exports(TENANT).slices[VIRGINIA].key_arn
        clients.wait_for_writes(20)

        put(journey, VIRGINIA, "written/since", "the move")
        s3, bucket = journey.s3(VIRGINIA)
        s3.delete_object(Bucket=bucket, Key="invoices/0000.txt")
        back = journey.tenant("rollback", "--json")
        assert back.code == 0, back.error
        assert back.json["serving"] == f"{IRELAND}/pool-a"
        assert journey.disagreeing() == []
        assert journey.objects(IRELAND)["written/since"][0] == b"the move"
        assert journey.objects(VIRGINIA) == journey.objects(IRELAND)
        clients.wait_for_writes(20)

        again = journey.tenant("move", "--json")
        assert again.json["serving"] == f"{VIRGINIA}/pool-b"
        clients.wait_for_writes(20)
        audit = journey.account(clients)
        # Through the old cell's pooler: nobody saw an error.
        assert audit.pooler_errors == ()

    told = [moved, back, again]
    assert not any(SECRET in ran.out + ran.error for ran in told)
    assert journey.kept_nowhere(SECRET)


HERE = (IRELAND, "pool-a")
THERE = (VIRGINIA, "pool-b")
PAUSES = ("tenant.objects-last", "tenant.routed", "tenant.flipped", "tenant.settled")
ENDING = (
    *("tenant.database-ended", "tenant.dump-kept", "tenant.closed", "tenant.contracted"),
    *("tenant.old-dropped", "tenant.parted"),
)
BEGINNING = ("tenant.begun", "tenant.expanded", "tenant.objects-brought", "tenant.cut-over")


def test_a_kill_at_any_step_of_the_pause_or_of_the_end_is_gone_on_from(
    journey: TenantJourney,
) -> None:
    here, there = "/".join(HERE), "/".join(THERE)
    journey.soak(HERE, THERE)
    with journey.workload(IRELAND) as clients:
        for command, points, serving in (
            ("rollback", PAUSES[1:2] if not NIGHTLY else PAUSES, here),
            ("move", PAUSES, there),
        ):
            for point in points:
                killed = journey.tenant(command, kill_at=point)
                assert killed.killed, (command, point, killed)
                # The guard lets exactly one side serve, without anybody's doing.
                clients.wait_for_writes(3)
                journey.wait_until_agreeing()
            done = journey.tenant(command, "--json")
            assert done.code == 0, done
            assert done.json["serving"] == serving
            clients.wait_for_writes(3)
        assert journey.account(clients).pooler_errors == ()
    with journey.workload(VIRGINIA) as clients:
        for point in ENDING:
            killed = journey.tenant("finish", kill_at=point)
            assert killed.killed, (point, killed)
            clients.wait_for_writes(3)
            if point == "tenant.closed":
                # Also when only the contraction is left, a side that is there is not left out.
                refused = journey.tenant("finish", "--without", "source", "--whole-cell")
                assert (refused.code, "the source answers" in refused.error) == (3, True), refused
        done = journey.tenant("finish", "--json")
        assert done.code == 0, done
        assert journey.account(clients).pooler_errors == ()
    verified = journey.tenant("status", "--verify")
    assert verified.code == 0, verified.out + verified.error
    assert list(journey.platform.exports(TENANT).databases) == [there]
    assert (journey.peered(), journey.entry().spans) == ([], ())
    dumps = journey.s3(VIRGINIA)[0].list_objects_v2(Bucket=f"halyard-{VIRGINIA}-backups")
    assert all(dump["Size"] > 1000 for dump in dumps["Contents"])


def test_a_kill_before_the_pause_is_gone_on_from_between_databases_of_one_cell(
    journey: TenantJourney,
) -> None:
    journey.settle(*THERE)
    journey.declare(VIRGINIA, "pool-a")
    with journey.workload(VIRGINIA) as clients:
        refused = journey.tenant("move")
        assert refused.code == 3, refused
        assert "the target runs PostgreSQL 16, older than the source's 18" in refused.out
        assert journey.entry().move is None
        for point in BEGINNING:
            killed = journey.tenant("move", "--allow-older-target", kill_at=point)
            assert killed.killed, (point, killed)
            clients.wait_for_writes(3)
            # While it follows, the target lets no application in.
            if point == "tenant.objects-brought":
                assert [f for f in journey.disagreeing() if f.part == "database"] == []
        moved = journey.tenant("move", "--json")
        assert moved.code == 0, moved.error
        assert moved.json["serving"] == f"{VIRGINIA}/pool-a"
        clients.wait_for_writes(3)
        assert journey.account(clients).pooler_errors == ()
    assert journey.disagreeing() == []
    ended = journey.tenant("finish", "--json")
    assert ended.code == 0, ended.error
    assert journey.disagreeing() == []


def asked(
    journey: TenantJourney,
    report: Callable[[Step], None] = lambda _: None,
    *,
    older: bool = False,
) -> Asked:
    options = MoveOptions(cutover="manual", jobs=2, allow_older_target=older, max_pause=MAX_PAUSE)
    return commands.Asked(journey.platform, TENANT, options, report, threading.Event())


def gathered(journey: TenantJourney, *tenants: str) -> Gathered:
    options = MoveOptions(cutover="manual")
    return gather(journey.platform, tenants, {}, options, rank="tier", priority=100, finish=False)


def test_what_can_not_go_well_is_refused_before_anything_changes(journey: TenantJourney) -> None:
    journey.settle(VIRGINIA, "pool-a")
    journey.declare(*THERE)
    before = journey.entry()
    with (
        journey.without_server(f"{VIRGINIA}-pool-b"),
        pytest.raises(RefusedError, match=r"pool-b does not answer .*bring its cell up"),
    ):
        commands.move(asked(journey))
    with (
        journey.edited(f"tenants/{TENANT}.yaml", ("connections: 80", "connections: 1990")),
        pytest.raises(RefusedError, match=r"pool-b is full: 1 tenants .* 2000 connections"),
    ):
        commands.move(asked(journey))
    with (
        journey.pretended_extension("hoststore"),
        pytest.raises(RefusedError, match="does not offer the extensions hoststore"),
    ):
        commands.move(asked(journey))
    with journey.edited(f"tenants/{TENANT}.yaml", ("tier:", "suspended: unpaid since May\ntier:")):
        left, refused = gathered(journey).left, gathered(journey, TENANT).refused
        assert left == {TENANT: "is suspended (unpaid since May)"}
        assert refused == {TENANT: f"{left[TENANT]}: take `suspended` out of its file first"}
        with pytest.raises(RefusedError, match=re.escape(refused[TENANT])):
            commands.move(asked(journey))
    with journey.with_stack_at('{"version": 2}\n'):
        assert gathered(journey).left[TENANT].startswith("is being created (")
        with pytest.raises(RefusedError, match="being created, or its first update did not end"):
            commands.move(asked(journey))
    with journey.with_stack_at(""), pytest.raises(RefusedError, match="has not been rehearsed"):
        commands.move(asked(journey))
    with pytest.raises(RefusedError, match="nobody is not in the catalog: it is being deleted"):
        commands.move(replace(asked(journey), tenant="nobody"))
    journey.declare(VIRGINIA, "pool-z")
    unknown = journey.tenant("move")
    assert unknown.code == 1, unknown
    assert "pool-z" in unknown.error
    assert "pool-a" in unknown.error
    journey.declare(*THERE)
    found = commands.compare(asked(journey))
    assert found is not None
    ledger = entries.table(journey.platform.catalog.organization, journey.platform.aws)
    with pytest.raises(RefusedError, match="was changed meanwhile"):
        entries.begin(ledger, found, before.model_copy(update={"revision": before.revision - 1}))
    assert journey.entry() == before
    assert journey.disagreeing() == []


def test_a_ledger_that_changed_meanwhile_undoes_the_cutover(journey: TenantJourney) -> None:
    journey.settle(VIRGINIA, "pool-a")
    journey.declare(*THERE)
    ledger = entries.table(journey.platform.catalog.organization, journey.platform.aws)
    meddled = []

    def meddle(step: Step) -> None:
        if step.name == "swap" and not meddled:
            known = ledger.entry(TENANT)
            assert known is not None
            meddled.append(known)
            ledger.change(TENANT, known, placement=known.placement, why="somebody else's")

    with journey.workload(VIRGINIA) as clients:
        clients.wait_for_writes(5)
        with pytest.raises(
            AbortedError, match=r"source serves as before.*changed meanwhile"
        ) as undone:
            commands.move(asked(journey, meddle))
        assert f"`patchworks tenant move {TENANT}`" in str(undone.value)
        assert f"`patchworks tenant rollback {TENANT}`" in str(undone.value)
        assert "patchworks database" not in str(undone.value)
        clients.wait_for_writes(5)
        assert journey.serving() == f"{VIRGINIA}/pool-a"
        assert journey.disagreeing() == []
        now = ledger.entry(TENANT)
        assert now is not None
        (before,) = meddled
        ledger.change(
            TENANT,
            now,
            placement=before.placement,
            target=before.target,
            keeps=before.keeps,
            move=before.move,
            why="put right",
        )
        given_up = commands.rollback(asked(journey))
        assert given_up.what.endswith("the move is given up")
        journey.account(clients)
    assert journey.disagreeing() == []


def test_what_a_move_that_was_given_up_left_is_in_no_later_move_s_way(
    journey: TenantJourney,
) -> None:
    journey.settle(VIRGINIA, "pool-a")
    journey.declare(*THERE)
    assert journey.tenant("move", kill_at="tenant.expanded").killed
    journey.well("rollback")
    # The file is put back, and that is delivered: the stack lets go of what it has made.
    journey.declare(VIRGINIA, "pool-a")
    journey.platform.bring_up(TENANT)
    server = journey.cloud.postgresql.find(f"{VIRGINIA}-pool-b.local", 0)
    left = make_conninfo(server.superuser_dsn, dbname=TENANT)
    journey.declare(*THERE)
    with psycopg.connect(left, autocommit=True) as session:
        session.execute("CREATE TABLE kept (id int)")
        with pytest.raises(RefusedError, match=r"pool-b has a database brightwater .*drop it and"):
            commands.move(asked(journey))
        session.execute("DROP TABLE kept")
        oid = "SELECT oid FROM pg_database WHERE datname = current_database()"
        (before,) = session.execute(oid).fetchone() or ()
    assert journey.entry().move is None
    assert journey.tenant("move", kill_at="tenant.expanded").killed
    with psycopg.connect(left) as session:
        assert session.execute(oid).fetchone() != (before,)
    # What the update has made meanwhile is not cleared away again.
    assert journey.tenant("move", kill_at="tenant.objects-brought").killed


def test_of_two_operators_one_moves_and_the_other_is_told(journey: TenantJourney) -> None:
    journey.settle(VIRGINIA, "pool-a")
    journey.declare(*THERE)
    first, second = (journey.begin_tenant("move") for _ in range(2))
    codes = sorted(running.wait(1200) for running in (first, second))
    assert codes[0] == 0
    assert codes[1] in (0, 3)
    assert journey.serving() == f"{VIRGINIA}/pool-b"
    assert journey.disagreeing() == []
    history = [entry.why for entry in journey.history()]
    assert history[-2:] == [
        f"the move to {VIRGINIA}/pool-b begins",
        f"{VIRGINIA}/pool-b serves",
    ]


def test_what_was_left_and_can_not_be_taken_over_is_refused(journey: TenantJourney) -> None:
    journey.settle(*THERE)
    journey.declare(*HERE)
    before = journey.entry()
    platform = journey.platform
    cell = platform.catalog.cells[IRELAND]
    kms = platform.aws.client("kms", cell.account, cell.region)
    secrets = journey.secrets(IRELAND)
    (left,) = before.retained
    kms.schedule_key_deletion(KeyId=left.key_id)
    secrets.delete_secret(SecretId=left.secret_arn)
    try:
        with pytest.raises(RefusedError, match=r"is being deleted: restore it.*PendingDeletion"):
            commands.move(asked(journey, older=True))
    finally:
        kms.cancel_key_deletion(KeyId=left.key_id)
        kms.enable_key(KeyId=left.key_id)
        secrets.restore_secret(SecretId=left.secret_arn)
    assert journey.entry() == before
    assert journey.disagreeing() == []


def test_a_tenant_returns_to_a_cell_that_it_has_left_and_finds_its_own_again(
    journey: TenantJourney,
) -> None:
    journey.settle(*THERE)
    for left, entered in ((THERE, HERE), (HERE, THERE)) if NIGHTLY else ((THERE, HERE),):
        secrets = journey.secrets(entered[0])
        stayed = secrets.describe_secret(SecretId=f"{entered[0]}/{TENANT}/database")
        # What was there when it left, what is in the old bucket only, and what has changed since.
        put(journey, entered[0], "long/gone", "deleted where it served since")
        put(journey, entered[0], "changed", "before")
        put(journey, left[0], "changed", "after")
        put(journey, left[0], "written/since", "new")
        with journey.workload(left[0]) as clients:
            clients.wait_for_writes(5)
            journey.declare(*entered)
            assert journey.tenant("move", "--allow-older-target", kill_at="tenant.joined").killed
            assert journey.peered() == ["connection", "routes", "rules"]
            journey.well("move", "--allow-older-target")
            assert journey.disagreeing() == []
            assert journey.objects(entered[0]) == journey.objects(left[0])
            assert journey.objects(entered[0])["changed"][0] == b"after"
            clients.wait_for_writes(5)
            assert journey.account(clients).pooler_errors == ()
        ended = journey.well("finish")
        assert ended["serving"] == "/".join(entered)
        assert journey.peered() == []
        assert journey.disagreeing() == []
        # The same secret under the same key; what is not current any more can be brought back.
        now = secrets.describe_secret(SecretId=stayed["ARN"])
        assert now["KmsKeyId"] == stayed["KmsKeyId"]
        assert journey.platform.exports(TENANT).slices[entered[0]].key_arn == stayed["KmsKeyId"]
        s3, bucket = journey.s3(entered[0])
        versions = s3.list_object_versions(Bucket=bucket, Prefix="long/gone")
        assert len(versions["Versions"]) == len(versions["DeleteMarkers"]) == 1
        assert [each.cell for each in journey.entry().retained] == [left[0]]
