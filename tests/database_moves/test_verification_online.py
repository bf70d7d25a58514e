"""Verification beside a subscription under writes: no false alarm, and wrong rows are found."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from database_moves import inventory
from database_moves.context import StoppedError
from database_moves.errors import MoveError
from database_moves.progress import silent
from database_moves.verification import SlotPosition, verify
from database_moves.verification.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from made import Made

    from database_moves.progress import Progress, Step
    from database_moves.verification import Verification
    from tests.database_moves.kit.proxy import CuttingProxy

STREAM = "verified_stream"
TABLES = (
    "CREATE TABLE counters (id int PRIMARY KEY, n bigint)",
    "CREATE TABLE orders (id bigint PRIMARY KEY, v text)",
    "CREATE TABLE queue (id bigint PRIMARY KEY, v text)",
    "CREATE TABLE events (v int, at text)",
    "ALTER TABLE events REPLICA IDENTITY FULL",
)
ROWS = (
    "INSERT INTO counters SELECT s, 0 FROM generate_series(1, 5) AS s",
    "INSERT INTO orders SELECT s, 'v' || s FROM generate_series(1, 20000) AS s",
    "INSERT INTO events SELECT s % 7, 'x' FROM generate_series(1, 2000) AS s",
)


@pytest.fixture
def followed(pair: tuple[Made, Made]) -> Iterator[tuple[Made, Made]]:
    """A source and a target that follows it by a subscription."""
    source, target = pair
    for made in pair:
        with made.owner() as connection:
            for statement in TABLES:
                connection.execute(statement)
            if made is source:
                for statement in ROWS:
                    connection.execute(statement)
    with source.superuser() as connection:
        connection.execute(
            sql.SQL("CREATE PUBLICATION {} FOR TABLE counters, orders, queue, events").format(
                sql.Identifier(STREAM)
            )
        )
    with target.superuser() as connection:
        connection.execute(
            sql.SQL("CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {}").format(
                sql.Identifier(STREAM), sql.Literal(source.superuser_dsn), sql.Identifier(STREAM)
            )
        )
        until = time.monotonic() + 60
        while connection.execute(
            "SELECT 1 FROM pg_subscription_rel WHERE srsubstate <> 'r'"
        ).fetchone():
            assert time.monotonic() < until
            time.sleep(0.05)
    yield pair
    # The slot goes with its subscription, while both servers are there.
    with target.superuser() as connection:
        connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(sql.Identifier(STREAM)))


@contextlib.contextmanager
def writers(source: Made) -> Iterator[None]:
    """Hot rows, a queue whose keys come back, random updates, rows without a key."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def write(statement: str, seed: int) -> None:
        draw = random.Random(seed)
        try:
            with source.owner() as connection:
                while not stop.is_set():
                    connection.execute(statement, {"r": draw.randrange(20_000)})
        except BaseException as error:
            failed.append(error)

    statements = (
        "UPDATE counters SET n = n + 1 WHERE id = 1 + %(r)s %% 2",
        "UPDATE orders SET v = v || 'x' WHERE id BETWEEN %(r)s AND %(r)s + 20",
        # In one go, so that the row is there at no moment, or always: both for other sessions.
        "WITH gone AS (DELETE FROM queue WHERE id = %(r)s %% 10 RETURNING id) "
        "INSERT INTO queue SELECT %(r)s %% 10, 'q' WHERE NOT EXISTS (SELECT FROM gone) "
        "AND NOT EXISTS (SELECT FROM queue WHERE id = %(r)s %% 10)",
        "UPDATE events SET v = %(r)s %% 7 WHERE ctid = (SELECT ctid FROM events LIMIT 1)",
    )
    threads = [
        threading.Thread(target=write, args=(statement, seed))
        for seed, statement in enumerate(statements)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not failed


def tables_of(made: Made) -> tuple[inventory.Table, ...]:
    with made.as_database("source").session("test") as connection:
        return inventory.tables(connection)


def compare(
    source: Made, target: Made, *, patience: float = 300, progress: Progress = silent
) -> Verification:
    position = SlotPosition(source.as_database("source"), STREAM)
    try:
        return verify(
            source.as_database("source"),
            target.as_database("target"),
            tables_of(source),
            position=position,
            progress=progress,
            patience=patience,
        )
    finally:
        position.close()


def in_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("database_moves.verification.plan.SMALL_BYTES", -1)
    monkeypatch.setattr("database_moves.verification.ranges.MOST_ROWS", 1000)


def test_hot_rows_raise_no_false_alarm(
    followed: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_ranges(monkeypatch)
    source, target = followed
    reread = 0
    with writers(source):
        for _ in range(3):
            found = compare(source, target)
            assert found.agrees, found.differences
            reread += found.reread
    assert reread > 0


def test_wrong_rows_are_found_under_heavy_writes(
    followed: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_ranges(monkeypatch)
    source, target = followed
    with source.owner() as connection:
        connection.execute("INSERT INTO orders SELECT s FROM generate_series(30001, 30010) AS s")
    with writers(source):
        settle(source)
        with target.owner() as connection:
            for statement in (
                "UPDATE orders SET v = 'wrong' WHERE id = 30003",
                "DELETE FROM orders WHERE id = 30007",
                "INSERT INTO orders VALUES (40000, 'extra')",
                "INSERT INTO events VALUES (99, 'extra')",
                "DELETE FROM counters WHERE id = 5",
            ):
                assert connection.execute(statement).rowcount == 1
        found = compare(source, target)
    assert {(d.table, d.kind, tuple(d.key.values()), d.columns) for d in found.differences} == {
        ("public.orders", "differs", ("30003",), ("v",)),
        ("public.orders", "missing", ("30007",), ()),
        ("public.orders", "extra", ("40000",), ()),
        ("public.events", "extra", (), ()),
        ("public.counters", "missing", ("5",), ()),
    }


def settle(source: Made) -> None:
    position = SlotPosition(source.as_database("source"), STREAM)
    assert position.wait(position.now(), 120)
    position.close()


def test_an_open_transaction_that_wrote_elsewhere_hides_no_wrong_row(
    followed: tuple[Made, Made],
) -> None:
    source, target = followed
    settle(source)
    with target.owner() as connection:
        connection.execute("INSERT INTO orders VALUES (40000, 'extra')")
    with source.owner() as held, held.transaction():
        held.execute("UPDATE counters SET n = -1 WHERE id = 3")
        found = compare(source, target, patience=1)
    assert [(d.kind, d.key) for d in found.differences] == [("extra", {"id": "40000"})]


def test_a_row_whose_commit_waits_for_a_standby_is_not_called_wrong(
    followed: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The follower has applied the commit already, and the serving side does not show it yet."""
    monkeypatch.setattr("database_moves.verification.proof._HORIZON_SECONDS", 0.2)
    source, target = followed
    settle(source)

    def standbys(names: str) -> None:
        with source.superuser() as admin:
            admin.execute("SET synchronous_commit = local")
            admin.execute(
                sql.SQL("ALTER SYSTEM SET synchronous_standby_names = {}").format(
                    sql.Literal(names)
                )
            )
            admin.execute("SELECT pg_reload_conf()")

    def write() -> None:
        with source.owner() as connection, connection.transaction():
            connection.execute("INSERT INTO orders VALUES (50000, 'new')")
            connection.execute("UPDATE counters SET n = 77 WHERE id = 4")
            connection.execute("DELETE FROM orders WHERE id = 6")

    standbys("nobody_there")
    writer = threading.Thread(target=write)
    try:
        wait_until_commits_wait(source)
        with target.owner() as reader, source.owner() as shown:
            writer.start()
            until = time.monotonic() + 30
            while not reader.execute("SELECT 1 FROM orders WHERE id = 50000").fetchone():
                assert time.monotonic() < until
                time.sleep(0.01)
            assert not shown.execute("SELECT 1 FROM orders WHERE id = 50000").fetchone()
        found = compare(source, target, patience=0.5)
    finally:
        standbys("")
        writer.join(60)
    assert {(d.table, d.kind, tuple(d.key.values())) for d in found.differences} == {
        ("public.orders", "undecided", ("50000",)),
        ("public.orders", "undecided", ("6",)),
        ("public.counters", "undecided", ("4",)),
    }
    assert compare(source, target).agrees


CANCEL_WAITING = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event = 'SyncRep'
"""


def wait_until_commits_wait(made: Made) -> None:
    """A new setting is heeded only when the server's own process has heard of it."""

    def commit() -> None:
        with made.superuser() as connection:
            connection.execute("SELECT pg_logical_emit_message(true, 'a', 'commit')")

    with made.superuser() as looking:
        for _ in range(100):
            waited = False
            begun = threading.Thread(target=commit)
            begun.start()
            while begun.is_alive():
                # One that is cancelled while it waits is committed all the same.
                waited |= bool(looking.execute(CANCEL_WAITING).fetchall())
                begun.join(0.1)
            if waited:
                return
    raise AssertionError("no commit waits")


def test_a_stream_that_stands_still_is_an_error_and_not_a_difference(
    followed: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database_moves.verification.compare.STALL_SECONDS", 1)
    source, target = followed
    with target.superuser() as connection:
        connection.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(sql.Identifier(STREAM)))
    with source.owner() as connection:
        connection.execute("INSERT INTO orders VALUES (30000, 'v')")
    told: list[str] = []
    with pytest.raises(MoveError, match=r"has not applied.*subscription is enabled"):
        compare(source, target, progress=lambda step: told.append(step.detail))
    assert any("waits for the follower" in detail for detail in told)


def test_a_wait_for_a_stream_can_be_stopped(followed: tuple[Made, Made]) -> None:
    source, target = followed
    with target.superuser() as connection:
        connection.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(sql.Identifier(STREAM)))
    with source.owner() as connection:
        connection.execute("INSERT INTO orders VALUES (30001, 'v')")

    def stop(step: Step) -> None:
        if "waits for the follower" in step.detail:
            raise StoppedError

    with pytest.raises(StoppedError):
        compare(source, target, progress=stop)


def test_a_slot_that_is_gone_is_named(make_database: Callable[[int], Made]) -> None:
    source = make_database(18)
    position = SlotPosition(source.as_database("source"), STREAM)
    with pytest.raises(MoveError, match=f"slot {STREAM} does not exist"):
        position.wait(position.now(), 1)
    position.close()


def test_a_lost_connection_is_made_again(pair: tuple[Made, Made]) -> None:
    source, target = pair
    for made in pair:
        with made.owner() as connection:
            connection.execute("CREATE TABLE t AS SELECT s AS id FROM generate_series(1, 100) s")
    cut = 0

    def cutting(_: object) -> None:
        nonlocal cut
        for made in pair:
            with made.superuser() as admin:
                cut += len(
                    admin.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND application_name ~ '^patchworks v'"
                    ).fetchall()
                )

    tables = tables_of(source) * 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("database_moves.verification.plan.SMALL_BYTES", -1)
        patch.setattr("database_moves.verification.run._SAVE_SECONDS", 0)
        found = verify(
            source.as_database("source"), target.as_database("target"), tables, save=cutting
        )
    assert cut > 0
    assert found.agrees
    with pytest.raises(psycopg.OperationalError):
        verify(
            source.as_database("source"),
            type(source.as_database("source"))("host=127.0.0.1 port=1", "target"),
            tables,
        )


def test_a_session_is_patient_with_its_first_connection_once_the_server_is_known(
    pair: tuple[Made, Made], cut_between: Callable[[Made], CuttingProxy]
) -> None:
    source, _ = pair
    proxy = cut_between(source)
    proxy.refuse()
    behind = source.as_database("source")
    cut = type(behind)(behind.conninfo(host=proxy.host, port=str(proxy.port)), "source")
    with pytest.raises(psycopg.OperationalError):
        Session(cut, "verify", patient=False).rows("SELECT 1")
    mended = threading.Timer(0.7, proxy.forward)
    mended.start()
    session = Session(cut, "verify")
    try:
        assert session.rows("SELECT 1") == [(1,)]
    finally:
        session.close()
        mended.join()
