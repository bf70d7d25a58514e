from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from database_moves import control
from database_moves.replication import subscriptions
from database_moves.replication.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Made

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


def drain(stream: Stream, seconds: float = 60) -> None:
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
