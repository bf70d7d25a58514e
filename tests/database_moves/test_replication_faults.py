"""A stream under faults: kills, errors, lost slots, one side down; nothing is silently skipped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from kit.lost_slot import lose_the_slot
from made import MOVER_PASSWORD, Made
from psycopg import sql
from psycopg.conninfo import make_conninfo
from test_replication_stream import ALL_ORDERS, ORDERS, Writers, begin, drain, fill, rows, streams

from database_moves.database import Database
from database_moves.errors import MoveError, RefusedError
from database_moves.replication import slots
from database_moves.replication.marker import MarkerNotAppliedError
from database_moves.replication.removal import leftovers
from database_moves.replication.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.servers import Servers

    Pair = tuple[Made, Made]


@pytest.fixture
def pair(own_pair: Pair) -> Pair:
    for made in own_pair:
        fill(made)
    return own_pair


def eventually(reached: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def insert(made: Made, n: int) -> None:
    with made.owner() as connection:
        connection.execute(sql.SQL("INSERT INTO {} (writer, n) VALUES (1, {})").format(ORDERS, n))


def test_a_stream_that_cannot_apply_is_never_caught_up_and_goes_on_once_it_can(pair: Pair) -> None:
    forward, _ = streams(pair)
    begin(forward)
    drain(forward)
    healthy = forward.health()
    with pair[1].owner() as connection:
        connection.execute("INSERT INTO parent VALUES (1)")
    with pair[0].owner() as connection:
        connection.execute("INSERT INTO parent VALUES (1)")
    n = forward.beat()
    written = forward.health().written_lsn
    assert written is not None
    eventually(lambda: (forward.health().errors or 0) > (healthy.errors or 0))
    found = forward.health()
    assert not found.caught_up(written, since=healthy)
    assert any("applying failed" in fault for fault in found.faults(healthy))
    assert found.last_error is not None
    assert "insert_exists" in found.last_error
    with pytest.raises(MarkerNotAppliedError):
        forward.wait_for_marker(n, time.monotonic() + 0.3)
    with pair[1].owner() as connection:
        connection.execute("DELETE FROM parent")
    forward.wait_for_marker(n, time.monotonic() + 60)
    since = forward.health()
    drain(forward)
    eventually(lambda: forward.health().caught_up(written, since=since))
    assert not forward.health().caught_up("FFFFFFFF/0", since=since)


def test_a_disabled_stream_is_not_caught_up(pair: Pair) -> None:
    forward, _ = streams(pair)
    begin(forward)
    drain(forward)
    for _ in range(2):
        forward.disable()
    found = forward.health()
    assert found.faults() == ["the subscription is disabled"]
    assert not found.caught_up(0)
    forward.subscribe(enabled=True)
    for _ in range(2):
        forward.enable()
    drain(forward)


def test_changes_that_met_no_row_are_counted(pair: Pair) -> None:
    forward, _ = streams(pair)
    begin(forward)
    with pair[0].owner() as connection:
        connection.execute("INSERT INTO parent VALUES (1)")
    drain(forward)
    with pair[1].owner() as connection:
        connection.execute("DELETE FROM parent")
    with pair[0].owner() as connection:
        connection.execute("DELETE FROM parent")
    drain(forward)
    eventually(lambda: forward.health().conflicts == {"delete_missing": 1})
    assert forward.health().faults() == ["1 changes met delete_missing"]


def test_a_slot_that_lost_its_log_is_seen_and_not_gone_on_with(pair: Pair) -> None:
    forward, _ = streams(pair)
    begin(forward)
    drain(forward)
    lose_the_slot(*pair, forward.name)
    forward.disable()
    found = forward.health()
    assert found.lost
    assert found.slot_status is not None
    assert found.slot_status.startswith("lost")
    assert {item.status for item in leftovers(forward.publisher, "shop-1")} == {"lost", None}
    with pytest.raises(MoveError, match="start the copy over"):
        forward.subscribe(enabled=True)
    assert forward.remove() == ()


@pytest.mark.parametrize("major", [16, 18])
def test_killing_a_server_loses_and_doubles_nothing(pair: Pair, own: Servers, major: int) -> None:
    forward, _ = streams(pair)
    begin(forward)
    with forward.heartbeat(0.1) as heartbeat:
        if major == 18:
            with Writers(pair[0], 0) as writers:
                writers.wait_for(100)
                own.kill(major)
                own.start(major)
                writers.wait_for(len(writers.acknowledged) + 100)
        else:
            with Writers(pair[0], 0) as writers:
                writers.wait_for(100)
            own.kill(major)
            assert forward.publisher.side in forward.health().unreachable
            own.start(major)
            insert(pair[0], 100_000)
            writers.acknowledged.append((1, 100_000))
        eventually(lambda: heartbeat.failures == 0)
        drain(forward)
    assert sorted(writers.acknowledged) == rows(pair[0], ALL_ORDERS) == rows(pair[1], ALL_ORDERS)


def test_an_advanced_slot_stays_advanced_when_its_server_is_killed(
    pair: Pair, own: Servers
) -> None:
    forward, reverse = streams(pair)
    begin(forward)
    reverse.publish()
    reverse.create_slot()
    insert(pair[0], 1)
    drain(forward)
    position = reverse.advance_slot()
    own.kill(18)
    own.start(18)
    with reverse.publisher.session("test") as connection:
        found = slots.status(connection, reverse.name)
    assert found is not None
    assert found.confirmed is not None
    assert found.confirmed >= position


def test_what_was_drained_survives_a_crash_of_the_follower(pair: Pair, own: Servers) -> None:
    forward, _ = streams(pair)
    begin(forward)
    insert(pair[0], 1)
    drain(forward)
    own.kill(18)
    own.stop(16)
    own.start(18)
    assert rows(pair[1], ALL_ORDERS) == [(1, 1)]


def test_a_walsender_that_is_ended_comes_back(pair: Pair) -> None:
    forward, _ = streams(pair)
    begin(forward)

    def walsender() -> int | None:
        slot = forward.health().slot
        return slot and slot.active_pid

    eventually(lambda: walsender() is not None)
    first = walsender()
    with pair[0].superuser() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (first,))
    eventually(lambda: walsender() not in (None, first))
    drain(forward)


def test_removal_with_the_publisher_down_says_what_remains_there(pair: Pair, own: Servers) -> None:
    forward, _ = streams(pair)
    begin(forward)
    own.stop(16)
    left = forward.remove()
    assert {(item.side, item.kind) for item in left} == {
        ("source", "slot"),
        ("source", "publication"),
    }
    assert MOVER_PASSWORD not in repr(left)
    assert leftovers(forward.subscriber, "shop-1") == ()
    own.start(16)
    assert {item.kind for item in leftovers(forward.publisher, "shop-1")} == {"slot", "publication"}
    with forward.publisher.session("test") as connection:
        for item in left:
            connection.execute(item.command)
    assert leftovers(forward.publisher, "shop-1") == ()
    assert forward.remove() == ()


def test_removal_with_the_subscriber_down_frees_the_publishers_log(
    pair: Pair, own: Servers
) -> None:
    forward, _ = streams(pair)
    begin(forward)
    own.stop(18)
    left = forward.remove()
    assert [(item.side, item.kind) for item in left] == [("target", "subscription")]
    assert leftovers(forward.publisher, "shop-1") == ()
    own.start(18)
    with forward.subscriber.session("test") as connection:
        for statement in left[0].command.split(";")[:-1]:
            connection.execute(statement)
    assert leftovers(forward.subscriber, "shop-1") == ()


def test_removal_ends_a_walsender_whose_subscriber_is_out_of_sight(pair: Pair) -> None:
    forward, _ = streams(pair)
    begin(forward)
    hidden = Database(make_conninfo(pair[1].mover_dsn, port=1), "target")
    left = Stream("shop-1", forward.publisher, hidden).remove()
    assert [item.kind for item in left] == ["subscription"]
    assert leftovers(forward.publisher, "shop-1") == ()
    assert forward.remove() == ()


def test_no_password_is_in_any_log_whatever_is_logged(pair: Pair, own: Servers) -> None:
    forward, _ = streams(pair)
    for made in pair:
        with made.superuser() as connection:
            for name, value in (
                ("log_statement", "all"),
                ("log_min_error_statement", "error"),
                ("log_min_duration_statement", "0"),
                ("log_parameter_max_length", "-1"),
                ("log_replication_commands", "on"),
                # From debug1 on the server itself writes down what a worker connects by.
                ("log_min_messages", "info"),
            ):
                connection.execute(
                    sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value)
                )
            connection.execute("SELECT pg_reload_conf()")
    time.sleep(0.2)
    errors: list[BaseException | None] = []
    try:
        begin(forward)
        forward.subscribe(enabled=True)
        drain(forward)
        forward.remove()
        forward.publish()
        forward.create_slot()
        forward.advance_slot()
        with pair[1].owner() as connection:
            connection.execute("DROP TABLE keyless")
        with pytest.raises(MoveError, match="keyless") as failed:
            forward.subscribe(enabled=True)
        errors.append(failed.value)
        errors.append(failed.value.__cause__)
    finally:
        for made in pair:
            with made.superuser() as connection:
                connection.execute("ALTER SYSTEM RESET ALL")
                connection.execute("SELECT pg_reload_conf()")
    for text in (own.log(16), own.log(18), *map(str, errors), *map(repr, errors)):
        for secret in (MOVER_PASSWORD, MOVER_PASSWORD[:9], MOVER_PASSWORD.encode().hex(), "w@rd"):
            assert secret not in text
    assert "CREATE SUBSCRIPTION" in own.log(18)


def test_a_slot_waits_for_a_transaction_and_names_it(pair: Pair) -> None:
    _, reverse = streams(pair)
    with pair[1].owner() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("INSERT INTO parent VALUES (1)")
        with pytest.raises(MoveError, match=rf"process {blocker.info.backend_pid} of Owner"):
            reverse.create_slot(timeout=0.5)
        assert leftovers(reverse.publisher, "shop-1") == ()
        blocker.execute("COMMIT")
    reverse.create_slot()
    reverse.create_slot()
    (found,) = leftovers(reverse.publisher, "shop-1")
    assert (found.kind, found.active, found.status) == ("slot", False, "reserved")


def test_a_table_whose_updates_would_fail_is_refused_by_name(pair: Pair) -> None:
    forward, _ = streams(pair)
    with pair[0].owner() as connection:
        connection.execute('CREATE TABLE "no key %s" (id int UNIQUE)')
        connection.execute("CREATE TABLE late (id int PRIMARY KEY DEFERRABLE)")
    with pytest.raises(RefusedError, match=r'public\.late, public\."no key %s"'):
        forward.publish()
    assert leftovers(forward.publisher, "shop-1") == ()
