"""What a move begins before it is known to be needed is used, and ends with it either way."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import wait
from typing import TYPE_CHECKING

import pytest
from kit.children import children

from database_moves import ahead, control, inventory
from database_moves.context import Context, StoppedError
from database_moves.copying.crew import Spares
from database_moves.lease import Lease
from database_moves.options import MoveOptions
from database_moves.schema import archive
from database_moves.steps import preparing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psycopg
    from made import Made

    from database_moves.progress import Step


@pytest.fixture
def context(pair: tuple[Made, Made], tmp_path: Path) -> Context:
    source, target = pair
    return Context(
        move="early",
        source=source.as_database("source"),
        target=target.as_database("target"),
        options=MoveOptions(jobs=2),
        directory=tmp_path / "early",
    )


def eventually(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_new_move_is_looked_at_at_once_and_leaves_no_process(context: Context) -> None:
    before = children()
    with ahead.begun(context):
        assert context.ahead is not None
        taken = context.ahead.spares.take()
        assert children() - before
        assert context.ahead.report().verdicts
        taken.kill()
        taken.wait()
    assert not children() - before


def test_a_move_that_ends_early_is_not_reported_on_any_more(context: Context) -> None:
    going_on, reported = threading.Event(), threading.Event()

    def report(step: Step) -> None:
        assert not going_on.is_set()
        reported.set()

    context.report = report
    with ahead.begun(context):
        assert context.ahead is not None
        looked = context.ahead
        reported.wait()
    going_on.set()
    with pytest.raises(StoppedError):
        looked.report()


def test_a_move_that_this_machine_has_begun_is_not_looked_at(context: Context) -> None:
    context.directory.mkdir()
    with ahead.begun(context):
        assert context.ahead is None


def test_what_was_found_before_another_mover_ended_is_found_anew(context: Context) -> None:
    with ahead.begun(context):
        assert context.ahead is not None
        first = context.ahead.report()
        with context.target.session("test") as connection:
            connection.execute("CREATE TABLE public.left_behind (id int)")
        assert first is context.ahead.report()
        context.ahead.look_again()
        refused = [verdict.check for verdict in context.ahead.report().at("refused")]
    assert "target.empty" in refused


def brought(context: Context) -> set[str]:
    for database in (context.source, context.target):
        with database.session("test") as connection:
            control.ensure(connection)
    written = preparing.bring(context)
    assert written.directory == context.directory
    with context.target.session("test") as connection:
        return {name for _, name in names_of(connection)}


def names_of(connection: psycopg.Connection[tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(table.schema, table.name) for table in inventory.tables(connection)]


def test_the_schema_that_was_read_ahead_is_brought(context: Context) -> None:
    with context.source.session("test") as connection:
        connection.execute("CREATE TABLE public.there (id int PRIMARY KEY)")
    with ahead.begun(context):
        assert context.ahead is not None
        wait([context.ahead.reading])
        read = context.ahead.reading.result()
        assert brought(context) == {"there"}
        assert context.archive is not None
        assert context.archive.entries is read.archive.entries
        # It is of one moment, so another copy reads anew.
        assert context.ahead.schema() is None
    assert not read.archive.directory.exists()
    assert archive.load(context.directory).entries == read.archive.entries


def test_what_changed_after_it_was_read_ahead_is_brought_too(context: Context) -> None:
    with ahead.begun(context):
        assert context.ahead is not None
        wait([context.ahead.reading])
        with context.source.session("test") as connection:
            connection.execute("CREATE TABLE public.late (id int PRIMARY KEY)")
        assert brought(context) == {"late"}
    preparing.unchanged(context, "source")


def test_a_dump_that_waits_for_a_lock_ends_with_its_move(context: Context) -> None:
    before = children()
    with context.source.session("test", autocommit=False) as holder:
        holder.execute("CREATE TABLE public.locked (id int)")
        holder.commit()
        holder.execute("LOCK TABLE public.locked")
        with ahead.begun(context), context.source.session("test") as looking:
            eventually(lambda: dumps(looking) > 0)
        eventually(lambda: not children() - before)
    with context.source.session("test") as looking:
        eventually(lambda: dumps(looking) == 0)


def dumps(connection: psycopg.Connection[tuple[int, ...]]) -> int:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'patchworks pg_dump'"
        " AND datname = current_database()"
    ).fetchone()
    assert row is not None
    return row[0]


def asked(connection: psycopg.Connection[tuple[int, ...]], purpose: str) -> bool:
    """Whether a session has asked for a lock, and been told whether it has it."""
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND state = 'idle'"
        " AND datname = current_database() AND query LIKE '%%pg_try_advisory_lock%%'",
        (f"patchworks {purpose}",),
    ).fetchone()
    return row == (1,)


def test_a_lease_says_that_another_mover_had_it(context: Context) -> None:
    databases = [context.source, context.target]
    mine, theirs = Lease(databases, "mine"), Lease(databases, "theirs")
    theirs.keep()
    waiting = threading.Thread(target=mine.keep)
    waiting.start()
    with context.source.session("test") as looking:
        eventually(lambda: asked(looking, "lease mine"))
    theirs.close()
    waiting.join()
    mine.close()
    assert mine.waited
    assert not theirs.waited


def test_a_spare_that_died_is_not_taken() -> None:
    before = children()
    spares = Spares()
    spares.start(1)
    (dead,) = children() - before
    os.kill(dead, signal.SIGKILL)
    os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
    taken = spares.take()
    assert taken.pid != dead
    assert taken.poll() is None
    taken.kill()
    taken.wait()
    assert not children() - before
