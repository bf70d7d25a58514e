"""A stream between two real databases: begun, followed, turned around and removed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from database_moves import control
from database_moves.errors import MoveError, RefusedError
from database_moves.inventory import tables
from database_moves.replication import publication, slots, subscriptions
from database_moves.replication.marker import MarkerNotAppliedError
from database_moves.replication.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from made import Made

    Pair = tuple[Made, Made]

TABLES = """
CREATE SCHEMA "Shop; --";
CREATE TABLE "Shop; --"."Order \u00fc%s" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, writer int NOT NULL, n int NOT NULL,
    twice int GENERATED ALWAYS AS (n * 2) STORED);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
CREATE TABLE keyless (a int, b text);
ALTER TABLE keyless REPLICA IDENTITY FULL;
CREATE TABLE parted (id int, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY);
"""
ORDERS = sql.Identifier("Shop; --", "Order \u00fc%s")


def fill(made: Made, statements: str = TABLES) -> None:
    with made.owner() as connection:
        connection.execute(statements)
    with made.as_database("source").session("test") as connection:
        control.ensure(connection)


@pytest.fixture(params=[(16, 18), (18, 16)], ids=["16 to 18", "18 to 16"])
def both_ways(
    request: pytest.FixtureRequest, make_database: Callable[[int], Made]
) -> tuple[Made, Made]:
    found = make_database(request.param[0]), make_database(request.param[1])
    for made in found:
        fill(made)
    return found


def streams(pair: Pair) -> tuple[Stream, Stream]:
    source, target = pair[0].as_database("source"), pair[1].as_database("target")
    return Stream("shop-1", source, target), Stream("shop-1", target, source)


def begin(stream: Stream) -> None:
    """An empty database needs no snapshot: the stream begins with its slot."""
    stream.publish()
    stream.create_slot()
    stream.advance_slot()
    stream.subscribe(enabled=True)
    stream.enable()


def drain(stream: Stream, seconds: float = 180) -> None:
    stream.wait_for_marker(stream.beat(), time.monotonic() + seconds)


def rows(made: Made, query: str | sql.Composed) -> list[tuple[object, ...]]:
    with made.owner() as connection:
        return connection.execute(query).fetchall()


class Writers:
    """Threads that insert numbered rows and know which of them were acknowledged."""

    def __init__(self, made: Made, first: int, count: int = 3) -> None:
        self.acknowledged: list[tuple[int, int]] = []
        self._made = made
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(first + number,), daemon=True)
            for number in range(count)
        ]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def wait_for(self, count: int) -> None:
        while len(self.acknowledged) < count:
            assert any(thread.is_alive() for thread in self._threads)
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, writer: int) -> None:
        insert = sql.SQL("INSERT INTO {} (writer, n) VALUES ({}, {})")
        with self._made.owner() as connection:
            n = 0
            while not self._stop.is_set():
                connection.execute(insert.format(ORDERS, writer, n))
                self.acknowledged.append((writer, n))
                n += 1


ALL_ORDERS = sql.SQL("SELECT writer, n FROM {} ORDER BY 1, 2").format(ORDERS)


@pytest.mark.parametrize("with_origin", [True, False], ids=["origin none", "as before 16"])
def test_writes_reach_the_other_side_once_whichever_side_serves(
    both_ways: Pair, with_origin: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_origin:
        former = subscriptions._options

        def without(connection: Any) -> sql.Composable:
            return sql.SQL(former(connection).as_string().replace(", origin = none", ""))

        monkeypatch.setattr(subscriptions, "_options", without)
    acknowledged = []
    forward, reverse = streams(both_ways)
    begin(forward)
    serving, follower = both_ways
    for number in range(3):
        reverse.publish()
        reverse.create_slot()
        with Writers(serving, number * 10) as writers:
            writers.wait_for(60)
            reverse.publish()
        acknowledged += writers.acknowledged
        drain(forward)
        with follower.owner() as connection:
            connection.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), max(id)) FROM {}").format(
                    '"Shop; --"."Order \u00fc%s"', ORDERS
                )
            )
        reverse.advance_slot()
        reverse.subscribe(enabled=False)
        forward.disable()
        assert forward.remove() == ()
        reverse.enable()
        forward, reverse = reverse, forward
        serving, follower = follower, serving
    drain(forward)
    assert sorted(acknowledged) == rows(serving, ALL_ORDERS) == rows(follower, ALL_ORDERS)
    found = forward.health()
    assert found.faults() == []
    assert found.errors == 0


@pytest.fixture
def following(pair: Pair) -> tuple[Made, Made, Stream]:
    for made in pair:
        fill(made)
    forward, _ = streams(pair)
    begin(forward)
    return (*pair, forward)


def test_what_tables_are_made_of_arrives_in_every_form(
    following: tuple[Made, Made, Stream],
) -> None:
    source, target, forward = following
    with source.owner() as connection:
        connection.execute(sql.SQL("INSERT INTO {} (writer, n) VALUES (1, 5)").format(ORDERS))
        connection.execute(
            sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE VALUES (77, 2, 6)").format(ORDERS)
        )
        connection.execute("INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (NULL, NULL)")
        connection.execute("INSERT INTO parted VALUES (1, 1), (2, 11)")
    drain(forward)
    with source.owner() as connection:
        connection.execute("UPDATE keyless SET b = 'y' WHERE a IS NULL")
        connection.execute("DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless)")
        connection.execute("UPDATE parted SET at = 12 WHERE id = 1")
        connection.execute("DELETE FROM parted WHERE id = 2")
    drain(forward)
    everything = sql.SQL("SELECT id, writer, n, twice FROM {} ORDER BY id").format(ORDERS)
    assert rows(target, everything) == [(1, 1, 5, 10), (77, 2, 6, 12)]
    assert rows(target, "SELECT * FROM keyless ORDER BY a") == [(1, "x"), (None, "y")]
    assert rows(target, "SELECT tableoid::regclass::text, * FROM parted") == [("parted_2", 1, 12)]
    assert forward.health().faults() == []


def test_truncating_tables_that_refer_to_each_other_arrives(
    following: tuple[Made, Made, Stream],
) -> None:
    source, target, forward = following
    with source.owner() as connection:
        connection.execute("INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 1)")
    drain(forward)
    assert rows(target, "SELECT * FROM child") == [(1, 1)]
    with source.owner() as connection:
        connection.execute("TRUNCATE parent CASCADE; INSERT INTO parent VALUES (2)")
    drain(forward)
    assert rows(target, "SELECT * FROM child") == []
    assert rows(target, "SELECT * FROM parent") == [(2,)]


def test_publishing_again_brings_about_just_the_wanted_tables(pair: Pair) -> None:
    fill(pair[0])
    forward, _ = streams(pair)
    listed = "SELECT schemaname, tablename, attnames FROM pg_publication_tables ORDER BY 1, 2"
    forward.publish()
    first = rows(pair[0], listed)
    assert {row[1] for row in first} == {
        *("Order \u00fc%s", "parent", "child", "keyless", "parted_1", "parted_2", "marker")
    }
    with forward.publisher.session("test") as connection:
        (publication,) = connection.execute("SELECT pubname FROM pg_publication").fetchone() or ()
        name = sql.Identifier(publication)
        connection.execute(sql.SQL("ALTER PUBLICATION {} DROP TABLE public.parent").format(name))
        connection.execute(
            sql.SQL("ALTER PUBLICATION {} SET TABLE public.child (id), public.keyless").format(name)
        )
        connection.execute(sql.SQL("ALTER PUBLICATION {} SET (publish = 'insert')").format(name))
        forward.publish()
        assert rows(pair[0], listed) == first
        only = [table for table in tables(connection) if table.name == "parent"]
        forward.publish(only)
        assert {row[1] for row in rows(pair[0], listed)} == {"parent", "marker"}
        options = "SELECT pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot"
        found = connection.execute(f"{options} FROM pg_publication").fetchall()
        assert found == [(True, True, True, True, False)]


def test_subscribing_before_there_is_anything_to_subscribe_to_says_what_is_missing(
    pair: Pair,
) -> None:
    for made in pair:
        fill(made)
    forward, _ = streams(pair)
    with pytest.raises(MoveError, match="no publication"):
        forward.subscribe(enabled=True)
    forward.publish()
    with pytest.raises(MoveError, match=r"slot \w+ is missing"):
        forward.subscribe(enabled=True)
    with pytest.raises(MoveError, match="no subscription"):
        forward.enable()
    forward.disable()
    assert forward.remove() == ()
    assert forward.remove() == ()


def test_a_table_published_after_subscribing_is_not_taken_for_followed(
    following: tuple[Made, Made, Stream],
) -> None:
    source, target, forward = following
    for made in (source, target):
        with made.owner() as connection:
            connection.execute('CREATE TABLE "late %s" (id int PRIMARY KEY)')
    forward.publish()
    with pytest.raises(MoveError, match=r'public\."late %s"'):
        forward.subscribe(enabled=True)


def test_another_databases_slot_of_that_name_is_left_alone(
    make_database: Callable[[int], Made],
) -> None:
    pair = make_database(16), make_database(16)
    for made in pair:
        fill(made)
    forward, _ = streams(pair)
    with pair[1].superuser() as connection:
        slots.create(connection, f"{forward.name}_w", timeout=30)
    forward.publish()
    with pytest.raises(RefusedError, match="another database"):
        forward.create_slot()
    left = forward.remove()
    assert [item.kind for item in left] == ["slot"]
    with pair[1].superuser() as connection:
        slots.drop(connection, f"{forward.name}_w", timeout=30)


def test_a_marker_of_an_earlier_stream_proves_nothing(
    following: tuple[Made, Made, Stream],
) -> None:
    _, target, forward = following
    with target.as_database("target").session("test") as connection:
        connection.execute(
            "UPDATE patchworks_moves.marker SET n = 9000000000000000000 WHERE side = 'source'"
        )
        forward.remove()
        forward.publish()
        forward.create_slot()
        forward.advance_slot()
        forward.subscribe(enabled=False)
        with pytest.raises(MarkerNotAppliedError):
            forward.wait_for_marker(forward.beat(), time.monotonic() + 0.2, connection)
    forward.enable()
    drain(forward)


def test_a_heartbeat_outlives_its_session_and_stops_behind_a_lock(
    following: tuple[Made, Made, Stream],
) -> None:
    source, _, forward = following
    heartbeat = forward.heartbeat(0.05).start()

    def wait_for_a_beat() -> int:
        before = heartbeat.last
        deadline = time.monotonic() + 30
        while heartbeat.last is None or heartbeat.last == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return heartbeat.last

    first = wait_for_a_beat()
    with source.superuser() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'patchworks heartbeat'"
        )
        assert wait_for_a_beat() > first
        connection.execute("BEGIN; LOCK TABLE patchworks_moves.marker IN SHARE MODE")
        time.sleep(0.1)
        heartbeat.stop()
        last = heartbeat.last
        connection.execute("COMMIT")
        now = connection.execute(
            "SELECT n FROM patchworks_moves.marker WHERE side = 'source'"
        ).fetchone()
    assert now == (last,)
    forward.wait_for_marker(last or 0, time.monotonic() + 60)


def test_lag_is_told_in_seconds_and_bytes(following: tuple[Made, Made, Stream]) -> None:
    source, _, forward = following
    drain(forward)
    assert forward.health().lag_seconds == 0
    forward.disable()
    before = forward.health()
    with source.owner() as connection:
        connection.execute("INSERT INTO keyless SELECT n, 'x' FROM generate_series(1, 1000) AS n")
    forward.beat()
    after = forward.health()
    assert before.lag_bytes is not None
    assert after.lag_bytes is not None
    assert after.lag_seconds is not None
    assert after.retained_bytes is not None
    assert after.lag_bytes > before.lag_bytes + 50_000
    assert after.lag_seconds > 0
    assert after.retained_bytes >= after.lag_bytes


def test_two_thousand_tables_are_published_and_followed(pair: Pair) -> None:
    made = "DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format("
    for database in pair:
        with database.owner() as connection:
            connection.execute(
                f"{made}'CREATE TABLE %I (id int PRIMARY KEY)', 't ' || i); END LOOP; END $$"
            )
        fill(database)
    forward, _ = streams(pair)
    begin(forward)
    forward.publish()
    with pair[0].owner() as connection:
        connection.execute('INSERT INTO "t 1" VALUES (1); INSERT INTO "t 2000" VALUES (2)')
    drain(forward)
    assert rows(pair[1], 'SELECT id FROM "t 1" UNION ALL SELECT id FROM "t 2000"') == [(1,), (2,)]


@pytest.mark.parametrize("off", ["", "enable_indexscan, enable_bitmapscan", "enable_nestloop"])
def test_no_plan_of_the_server_makes_publishing_ask_about_what_is_no_table(
    make_database: Callable[[int], Made], off: str
) -> None:
    made = make_database(18)
    fill(made)
    with made.as_database("source").session("test") as connection:
        for setting in filter(None, off.split(", ")):
            connection.execute("SELECT set_config(%s, 'off', false)", (setting,))
        publication.bring_about(connection, "plans", tables(connection))
        assert "keyless" in {name for _, name in publication.published(connection, "plans")}
        publication.drop(connection, "plans")
