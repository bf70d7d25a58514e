"""Locks that others hold for long: who holds one is named, and no application queues behind us."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest
from kit.holding import Holding
from move_journey import lets_in
from psycopg import sql
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.forking import Forks
    from kit.mover import Mover, Running
    from made import Made

NAME = "orders"
TABLE = 'public."Visits %s; ü"'
APPLICATION = "an importer"
SCHEMA = f"""
CREATE TABLE {TABLE} (id int PRIMARY KEY, body text);
INSERT INTO {TABLE} SELECT n, 'before' FROM generate_series(1, 1000) AS n;
CREATE INDEX ON {TABLE} (body);
CREATE TABLE public.bills (id int PRIMARY KEY, visit int REFERENCES {TABLE});
CREATE MATERIALIZED VIEW public.totals AS SELECT count(*) AS number FROM {TABLE};
"""


def holder_of(made: Made, statement: str) -> psycopg.Connection[tuple[object, ...]]:
    """A session that holds a lock until it is closed."""
    connection = psycopg.connect(make_conninfo(made.superuser_dsn, application_name=APPLICATION))
    connection.execute(statement.encode())
    return connection


def lock(mode: str, table: str = TABLE) -> str:
    return f"LOCK TABLE {table} IN {mode} MODE"


@dataclass
class Held:
    """Locks taken where a mover stops, and let go when it has said who holds them."""

    mover: Mover
    holding: Holding
    running: Running | None = None

    def at(self, place: str, made: Made, statement: str, meanwhile: Callable[[], object]) -> None:
        def take() -> None:
            connection = holder_of(made, statement)
            threading.Thread(target=self._let_go, args=(connection, meanwhile)).start()

        self.holding.at(place, take)
        self.told: list[int] = []

    def _let_go(
        self, connection: psycopg.Connection[tuple[object, ...]], meanwhile: Callable[[], object]
    ) -> None:
        with closing(connection):
            pid = connection.info.backend_pid
            deadline = time.monotonic() + 90
            assert self.running is not None
            while f"pg_terminate_backend({pid})" not in self.running.warned:
                if time.monotonic() > deadline or not self.running.running:
                    return
                time.sleep(0.05)
            meanwhile()
            self.told.append(pid)

    def run(self, *command: str) -> str:
        with self.mover.start("database", command[0], NAME, *command[1:]) as self.running:
            ended = self.holding.until_ended(self.running)
        assert ended.code == 0, ended.stderr
        return ended.stderr


@pytest.fixture
def held(
    pair: tuple[Made, Made], make_mover: Callable[..., Mover], forks: Forks, tmp_path: Path
) -> Held:
    with pair[0].owner() as connection:
        connection.execute(SCHEMA.encode())
    holding = Holding(tmp_path / "holding")
    return Held(make_mover(*pair, environment=holding.environment, forks=forks), holding)


def test_a_move_says_who_holds_the_lock_it_waits_for_and_goes_on_when_it_is_free(
    held: Held, pair: tuple[Made, Made]
) -> None:
    source, target = pair
    written: list[int] = []

    def nothing() -> None:
        pass

    def write() -> None:
        # What publishes waits for this table, and no writer waits behind it.
        with source.owner() as connection:
            connection.execute("SET statement_timeout = '5s'")
            connection.execute(f"UPDATE {TABLE} SET body = 'meanwhile' WHERE id = 1".encode())
        written.append(1)

    def look() -> None:
        # Between two tries for the lock nobody is held up.
        for _ in range(5):
            found = held.mover.run("database", "status", NAME, "--json")
            shown = json.loads(found.stdout)["source"]["held_up"]
            if shown:
                assert APPLICATION in shown[0], found
                written.append(2)
                return

    held.at("schema.erased", source, lock("ACCESS EXCLUSIVE"), nothing)
    held.at("schema.restored", target, lock("ACCESS SHARE"), nothing)
    held.at("copy.erased", source, lock("SHARE UPDATE EXCLUSIVE"), write)
    held.at("copy.slot-created", source, lock("ACCESS EXCLUSIVE"), nothing)
    held.at("indexes.done", target, lock("ACCESS EXCLUSIVE"), nothing)
    held.at("stream.subscribed", source, lock("ACCESS EXCLUSIVE"), look)
    said = held.run("move", "--cutover", "manual")

    assert held.holding.left == set()
    assert len(held.told) == 6, said
    assert written == [1, 2]
    assert f" of postgres ({APPLICATION}) holds a lock on {TABLE}, " in said
    assert "idle in transaction, its query began 20" in said


def test_a_cutover_behind_a_lock_is_refused_or_undone_and_who_holds_it_is_named(
    held: Held, pair: tuple[Made, Made]
) -> None:
    source, target = pair
    mover = held.mover
    held.run("move", "--cutover", "manual")

    # Before the pause: nothing was changed.
    with closing(holder_of(source, lock("ACCESS EXCLUSIVE"))) as holder:
        refused = mover.run("database", "cutover", NAME, "--json")
        assert refused.code == 3, refused
        shown = json.loads(refused.stdout)
        assert f"pg_terminate_backend({holder.info.backend_pid})" in shown["error"]
        assert shown["state"]["phase"] == "ready"
        assert "waiting on the source" in refused.stderr

    # In it: undone. Who changes the database's privileges keeps it from being fenced.
    name = sql.Identifier(source.name).as_string()
    grant = f"GRANT CONNECT ON DATABASE {name} TO pg_monitor"
    with closing(holder_of(source, grant)) as holder:
        aborted = mover.run("database", "cutover", NAME, "--max-pause", "10")
        assert aborted.code == 4, aborted
        assert "another session changes who may connect" in aborted.stderr
        assert f"process {holder.info.backend_pid} of postgres" in aborted.stderr
        assert lets_in(source)

    taken: list[psycopg.Connection[tuple[object, ...]]] = []
    held.holding.at(
        "swap.sessions-ended", lambda: taken.append(holder_of(source, lock("ROW EXCLUSIVE")))
    )
    with mover.start("database", "cutover", NAME, "--max-pause", "15") as running:
        aborted = held.holding.until_ended(running)
    assert aborted.code == 4, aborted
    assert f"pg_terminate_backend({taken[0].info.backend_pid})" in aborted.stderr
    taken[0].close()

    # After it: a reader of a view that is filled again keeps no other reader waiting for long.
    def read() -> None:
        with target.owner() as connection:
            connection.execute("SET statement_timeout = '10s'")
            assert connection.execute("SELECT number FROM public.totals").fetchone() == (1000,)

    held.at("swap.former-closed", target, "SELECT FROM public.totals", read)
    held.run("cutover")
    assert len(held.told) == 1


def test_a_preflight_does_not_wait_for_a_schema_change_and_names_whose_it_is(
    pair: tuple[Made, Made], make_mover: Callable[..., Mover]
) -> None:
    source, _ = pair
    with source.owner() as connection:
        connection.execute(SCHEMA.encode())
    mover = make_mover(*pair)
    with closing(holder_of(source, lock("ACCESS EXCLUSIVE"))) as holder:
        refused = mover.run("database", "move", NAME)
        assert refused.code == 3, refused
        assert f"pg_terminate_backend({holder.info.backend_pid})" in refused.stdout
