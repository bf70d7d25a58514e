"""A tenant's move ends although one side is gone for good: a database server, or a whole cell."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError
from side_gone import (
    InCells,
    LastingLogins,
    balancer_protected,
    cell_gone,
    clear,
    gone,
    record_closed,
    stacks_put_back,
)
from tenant_journey import IRELAND, MAX_PAUSE, TENANT, VIRGINIA

from database_moves import durable
from database_moves.context import StoppedError
from database_moves.errors import MoveError, RefusedError
from database_moves.options import MoveOptions
from rehearsal.stack_poolers import declared_poolers
from tenant_moves import aws_store, commands, records, without
from tenant_moves.asked import Asked
from tenant_moves.verify import verify

if TYPE_CHECKING:
    from tenant_journey import Ran, TenantJourney

    from database_moves.progress import Progress
    from tenant_moves.asked import Result
    from tenant_moves.local import LocalPlatform

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


def hint(command: str, side: str) -> str:
    return f"`patchworks tenant {command} {TENANT} --without {side}`"


def killed(ran: Ran) -> None:
    assert ran.killed, ran


def asked_of(
    platform: LocalPlatform,
    report: Progress = lambda _: None,
    stopping: threading.Event | None = None,
) -> Asked:
    """As the command would ask, in this process."""
    options = MoveOptions(cutover="manual", jobs=2, allow_older_target=True, max_pause=MAX_PAUSE)
    return Asked(platform, TENANT, options, report, stopping or threading.Event())


def ended_there(journey: TenantJourney, ended: Ran) -> None:
    """The tenant is where it was, in no move, and has nothing elsewhere."""
    assert ended.json["serving"] == "/".join(THERE)
    assert list(journey.platform.exports(TENANT).databases) == ["/".join(THERE)]
    assert (journey.peered(), journey.entry().move, journey.entry().spans) == ([], None, ())


def ended_here_alone(platform: InCells, ended: Result) -> None:
    """Nothing in the lost cell was asked, all agrees, and what was left there is told."""
    assert platform.reached == []
    assert ended.serving == "/".join(HERE)
    assert [each for each in verify(platform, TENANT) if not each.agrees] == []
    assert any("aws:s3/bucket:Bucket" in left for left in ended.left)


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
            # As it is where no update came between the cutover and the loss.
            assert balancer_protected(journey, IRELAND, True)
            for point in ENDING if NIGHTLY else ("tenant.database-ended", "tenant.let-go"):
                killed(journey.tenant(*FINISH, kill_at=point))
                clients.wait_for_writes(3)
                if point == "tenant.let-go":
                    assert not balancer_protected(journey, IRELAND)
                    assert balancer_protected(journey, VIRGINIA)
                    wrong = journey.tenant("finish", "--without", "target")
                    told = f"{'/'.join(HERE)} is the source of that move"
                    assert (wrong.code, told in wrong.error) == (3, True), wrong
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
            # A store that was named since.
            store = InCells(journey).copy_url(TENANT, journey.entry().placement)
            with journey.under({durable.URL_VARIABLE: store}):
                for command in (("rollback",), GIVE_UP):
                    refused = journey.tenant(*command)
                    assert (refused.code, "no record is found" in refused.error) == (3, True)
                    assert durable.URL_VARIABLE in refused.error
            assert journey.entry().gone is None
            for point in ENDING if NIGHTLY else ("tenant.closed",):
                killed(journey.tenant(*GIVE_UP, kill_at=point))
                clients.wait_for_writes(3)
            ended = journey.tenant(*GIVE_UP, "--json")
            assert ended.code == 0, ended.error
            assert journey.disagreeing() == []
            clients.wait_for_writes(3)
        assert journey.account(clients).pooler_errors == ()
    ended_there(journey, ended)
    clear(journey, *HERE, ended.json["told"])


def test_a_move_that_was_brought_back_ends_without_the_target_that_is_gone(
    journey: TenantJourney,
) -> None:
    journey.soak(THERE, HERE)
    with journey.workload(VIRGINIA) as clients:
        clients.wait_for_writes(3)
        back = journey.tenant("rollback")
        assert back.code == 0, back.error
        clients.wait_for_writes(3)
        for command, side, why in (
            ("finish", "target", "the target answers"),
            ("finish", "source", "has writes that are nowhere else"),
            ("rollback", "source", "has writes that are nowhere else"),
        ):
            refused = journey.tenant(command, "--without", side)
            assert (refused.code, why in refused.error) == (3, True), (command, side, refused)
        platform = LastingLogins(journey)
        with gone(journey, *HERE):
            failed = journey.tenant("finish")
            assert (failed.code, "if the target is gone for good" in failed.error) == (1, True)
            with pytest.raises(
                MoveError, match=f"target does not answer.*{hint('finish', 'target')}"
            ):
                commands.finish(asked_of(platform), drop=True)
            for command, why in (
                ("rollback", f"brought back; {hint('finish', 'target')}"),
                ("finish", f"declares {'/'.join(HERE)}"),
            ):
                refused = journey.tenant(command, "--without", "target")
                assert (refused.code, why in refused.error) == (3, True), refused
            assert journey.entry().gone is None
            journey.declare(*THERE)
            for point in ("tenant.side-given-up", *(ENDING if NIGHTLY else ())):
                killed(journey.tenant("finish", "--without", "target", kill_at=point))
                clients.wait_for_writes(3)
            other = journey.tenant("rollback")
            assert (other.code, "is being ended without" in other.error) == (3, True), other
            ended = journey.tenant("finish", "--without", "target", "--json")
            assert ended.code == 0, ended.error
            verified = journey.tenant("status", "--verify")
            assert verified.code == 0, verified.out + verified.error
            clients.wait_for_writes(3)
        assert journey.account(clients).pooler_errors == ()
    ended_there(journey, ended)
    clear(journey, *HERE, ended.json["told"])


def test_a_move_whose_old_cell_is_gone_with_its_record_ends_by_the_copy_that_followed_the_tenant(
    journey: TenantJourney,
) -> None:
    journey.settle(*THERE)
    journey.declare(*HERE)
    platform = InCells(journey)
    asked = asked_of(platform)
    with (
        record_closed(journey, HERE),
        pytest.raises(MoveError, match="serves brightwater, but the record of") as told,
    ):
        commands.move(asked)
    said = str(told.value)
    assert f"{'/'.join(HERE)} serves" in said
    assert f"/{aws_store.DATABASE} can't be used" in said
    assert "run the same command again" in said
    assert durable.URL_VARIABLE not in said
    moved = commands.move(asked)
    assert moved.serving == "/".join(HERE)
    assert platform.store_url(TENANT) != platform.copy_url(TENANT, journey.entry().placement)
    with journey.workload(IRELAND) as clients, stacks_put_back(journey):
        with cell_gone(journey, platform, VIRGINIA, "pool-a", "pool-b"):
            clients.wait_for_writes(3)
            for whole_cell in (False, True):
                with pytest.raises(RefusedError, match="has writes that are nowhere else"):
                    without.finish(asked, "target", whole_cell=whole_cell)
            with pytest.raises((MoveError, EndpointConnectionError)):
                without.finish(asked, "source", whole_cell=False)
            platform.reached.clear()
            ended = without.finish(asked, "source", whole_cell=True)
            ended_here_alone(platform, ended)
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


def test_a_move_whose_target_s_whole_cell_is_gone_is_given_up_and_asks_nothing_there(
    journey: TenantJourney,
) -> None:
    journey.settle(*HERE)
    journey.declare(*THERE)
    stopping = threading.Event()
    # As Ctrl-C does it, when all but the cutover has been made.
    begun = asked_of(
        InCells(journey), lambda step: stopping.set() if step.name == "objects" else None, stopping
    )
    with pytest.raises(StoppedError):
        commands.move(begun)
    assert journey.entry().move is not None
    journey.declare(*HERE)
    platform = InCells(journey)
    asked = asked_of(platform)
    with journey.workload(IRELAND) as clients, stacks_put_back(journey):
        with pytest.raises(RefusedError, match="the target answers"):
            without.rollback(asked, "target", whole_cell=True)
        with cell_gone(journey, platform, VIRGINIA, "pool-a", "pool-b"):
            clients.wait_for_writes(3)
            with pytest.raises(RefusedError, match="has writes that are nowhere else"):
                without.rollback(asked, "source", whole_cell=True)
            platform.reached.clear()
            ended = without.rollback(asked, "target", whole_cell=True)
            ended_here_alone(platform, ended)
            clients.wait_for_writes(3)
        assert journey.account(clients).pooler_errors == ()
        assert declared_poolers(journey.cloud, TENANT).keys() == {IRELAND}
        assert (journey.entry().move, journey.entry().spans) == (None, ())
    clear(journey, *THERE, ended.told)
