"""A verification that was killed goes on, one that is limited keeps to it, one in time stops."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from database_moves import inventory
from database_moves.verification import VerifyState, render, verify

if TYPE_CHECKING:
    import pytest
    from made import Made

    from database_moves.progress import Step

ROOT = Path(__file__).parents[2]

# The process kills itself as soon as it has stored that a table is verified.
KILLED = """
import json, os, pathlib, signal, sys
from database_moves import inventory
from database_moves.database import Database
from database_moves.verification import plan, run, verify

run._SAVE_SECONDS = 0
plan.BATCH_TABLES = 1
given = json.load(sys.stdin)
source, target = Database(given["source"], "source"), Database(given["target"], "target")
with source.session("test") as connection:
    tables = inventory.tables(connection)

def save(state):
    pathlib.Path(given["state"]).write_text(state.model_dump_json())
    if len(state.tables) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

verify(source, target, tables, jobs=1, save=save, copy_id="first")
"""


def fill(pair: tuple[Made, Made], count: int = 5) -> tuple[inventory.Table, ...]:
    for made in pair:
        with made.owner() as connection:
            for n in range(count):
                connection.execute(f"CREATE TABLE t{n} (id int PRIMARY KEY, v text)")
                connection.execute(f"INSERT INTO t{n} SELECT s FROM generate_series(1, 50) AS s")
            connection.execute("ANALYZE")
    with pair[0].as_database("source").session("test") as connection:
        return inventory.tables(connection)


def test_a_killed_verification_leaves_out_what_had_agreed(
    pair: tuple[Made, Made], tmp_path: Path
) -> None:
    import json

    source, target = pair
    tables = fill(pair)
    file = tmp_path / "state.json"
    given = {"source": source.mover_dsn, "target": target.mover_dsn, "state": str(file)}
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED)],
        input=json.dumps(given).encode(),
        cwd=ROOT,
        timeout=300,
    )
    assert killed.returncode == -9
    state = VerifyState.model_validate_json(file.read_text())
    assert len(state.tables) == 2
    told = file.read_text()
    assert "p'a" not in told
    sides = source.as_database("source"), target.as_database("target")
    # Bound to the copy and the direction: another one is verified from the start.
    assert verify(*sides, tables, resume=state, copy_id="second").resumed == 0
    assert verify(*reversed(sides), tables, resume=state, copy_id="first").resumed == 0
    with target.owner() as connection:
        for table in tables:
            connection.execute(f"DELETE FROM {table.name} WHERE id = 7")
    found = verify(*sides, tables, resume=state, copy_id="first")
    assert found.resumed == 2
    assert "2 of the tables were verified before, since 20" in render(found)
    assert {d.table for d in found.differences} == {str(t) for t in tables} - set(state.tables)
    assert {t.table for t in found.tables} == {str(t) for t in tables}


def test_tables_with_differences_are_verified_again(pair: tuple[Made, Made]) -> None:
    tables = fill(pair, 2)
    sides = pair[0].as_database("source"), pair[1].as_database("target")
    with pair[1].owner() as connection:
        connection.execute("DELETE FROM t1 WHERE id = 1")
    saved: list[VerifyState] = []
    assert not verify(*sides, tables, save=saved.append).agrees
    with pair[1].owner() as connection:
        connection.execute("INSERT INTO t1 VALUES (1)")
    found = verify(*sides, tables, resume=saved[-1])
    assert found.agrees
    assert found.resumed == 1


def test_a_deadline_names_the_tables_that_are_left(pair: tuple[Made, Made]) -> None:
    tables = fill(pair, 2)
    sides = pair[0].as_database("source"), pair[1].as_database("target")
    found = verify(*sides, tables, deadline=time.monotonic() - 1)
    assert set(found.unverified) == {"public.t0", "public.t1"}
    assert not found.agrees
    assert "not verified in the time given: 2 tables" in render(found)


def test_a_load_limit_slows_the_reading_down(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database_moves.verification.plan.SMALL_BYTES", -1)
    monkeypatch.setattr("database_moves.verification.ranges.MOST_ROWS", 10)
    tables = fill(pair, 2)
    slept: list[float] = []
    monkeypatch.setattr("database_moves.verification.load.time.sleep", slept.append)
    sides = pair[0].as_database("source"), pair[1].as_database("target")
    assert verify(*sides, tables, load_limit=10_000).agrees
    size = sum(table.total_bytes for table in tables)
    # Every byte is accounted for at the rate; nobody really slept, so the account ran up.
    assert max(slept) > size / 10_000 * 0.5


def test_progress_tells_bytes_and_table(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database_moves.verification.run._SAVE_SECONDS", 0)
    tables = fill(pair, 1)
    steps: list[Step] = []
    verify(
        pair[0].as_database("source"),
        pair[1].as_database("target"),
        tables,
        progress=steps.append,
    )
    last = steps[-1]
    assert (last.name, last.unit, last.detail) == ("verify", "bytes", "public.t0")
    assert last.done == last.total


def test_sessions_end_with_the_verification(pair: tuple[Made, Made]) -> None:
    tables = fill(pair, 1)
    before = set(threading.enumerate())
    sides = pair[0].as_database("source"), pair[1].as_database("target")
    verify(*sides, tables)
    assert not set(threading.enumerate()) - before
    for made in pair:
        with made.superuser() as connection:
            until = time.monotonic() + 30
            while connection.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name LIKE 'patchworks verify%'"
            ).fetchone():
                assert time.monotonic() < until
