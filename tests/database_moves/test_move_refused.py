"""What a move refuses by name, and what holds its cutover up: the source serves on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import stalls
from kit.holding import Holding
from made import OWNER, OWNER_PASSWORD, Made
from move_journey import NAME, Journey

from database_moves import names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.mover import Mover

    Recorder = Callable[[str, object], None]


def untouched(made: Made) -> bool:
    with made.superuser() as connection:
        found = connection.execute("SELECT to_regnamespace(%s) IS NULL", (names.SCHEMA,)).fetchone()
    return found == (True,)


def test_a_wrong_target_is_refused_before_anything_changes(
    make_database: Callable[[int], Made], make_mover: Callable[..., Mover]
) -> None:
    older, newer = make_database(16), make_database(18)
    for made in (older, newer):
        with made.owner() as connection:
            connection.execute('CREATE TABLE "in the way %s" (id int PRIMARY KEY)')
    empty = make_database(16)
    for source, target, said in (
        (older, newer, "in the way"),
        (older, older, "the same database"),
        (newer, empty, "older"),
    ):
        refused = make_mover(source, target).run("database", "move", NAME)
        assert refused.code == 3, refused
        assert said in refused.stdout + refused.stderr
        assert untouched(source)
        assert untouched(target)


def test_of_two_movers_one_is_told_of_the_other(
    pair: tuple[Made, Made], make_mover: Callable[..., Mover], tmp_path: Path
) -> None:
    source, target = pair
    with source.owner() as connection:
        connection.execute("CREATE TABLE public.t (id int PRIMARY KEY)")
        connection.execute("INSERT INTO public.t SELECT generate_series(1, 1000)")
    holding = Holding(tmp_path / "holding")
    mover = make_mover(source, target, environment=holding.environment)
    late: list[Any] = []

    def come_late() -> None:
        late.append(mover.run("database", "move", NAME))
        late.append(mover.run("database", "move", "another"))
        late.append(mover.run("database", "abort", NAME))

    holding.at("copy.copied", come_late)
    with mover.start("database", "move", NAME) as running:
        assert holding.until_ended(running).code == 0
    assert [ended.code for ended in late] == [3, 3, 3]
    assert all("another mover works on" in ended.stderr for ended in late), late
    # One that comes later still finds the database in a move.
    other = mover.run("database", "move", "another")
    assert other.code == 3, other


@pytest.mark.needs_pgbouncer
def test_what_holds_a_cutover_up_undoes_it_and_is_named(
    pair: tuple[Made, Made],
    make_pooler: Callable[..., Any],
    make_workload: Callable[..., Any],
    make_mover: Callable[..., Mover],
    tmp_path: Path,
    record_property: Recorder,
) -> None:
    source, target = pair
    pooler = make_pooler({"app": source})
    pooled = pooler.dsn("app", OWNER, OWNER_PASSWORD)
    # The direct one ignores the pooler; it is cut off, and comes back to the side that serves.
    workload = make_workload(pooled=[pooled] * 2, direct=[source.owner_dsn], pace=0.05)
    workload.install(source.owner_dsn)
    holding = Holding(tmp_path / "holding")
    mover = make_mover(source, target, environment=holding.environment)
    journey = Journey(source, target, pooler, workload, mover)
    workload.start()

    def change(statement: str) -> None:
        with source.superuser() as connection:
            connection.execute(statement.encode())
            pid = connection.info.backend_pid
        # One that is on its way out could be met by a pause, and named in its place.
        wait_until_gone(source, pid)

    # While rows are compared: the move says so by itself, and goes on once it is undone.
    holding.at("verify.saved", lambda: change('CREATE TABLE workload."odd %s" (id int)'))
    with mover.start("database", "move", NAME, *journey.pooling, "--cutover", "manual") as running:
        refused = holding.until_ended(running)
    assert refused.code == 3, refused
    assert 'workload."odd %s"' in refused.stderr
    change('DROP TABLE workload."odd %s"')
    moved = journey.move("--cutover", "manual")
    assert moved.code == 0, moved.stderr

    # While the target follows.
    for kind, name, made in (
        ("TABLE", 'workload."new %s"', "(id int PRIMARY KEY)"),
        ("FUNCTION", "workload.late()", "RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ):
        change(f"CREATE {kind} {name} {made}")
        refused = journey.command("cutover")
        assert refused.code == 3, refused
        assert name.removesuffix("()") in refused.stderr
        change(f"DROP {kind} {name}")

    # In the pause, by who is not kept out.
    holding.at("swap.sessions-ended", lambda: change("CREATE TABLE workload.sudden (id int)"))
    with mover.start("database", "cutover", NAME, *journey.pooling, "--max-pause", "30") as running:
        aborted = holding.until_ended(running)
    assert aborted.code == 4, aborted
    assert "workload.sudden" in aborted.stderr, aborted.stderr
    change("DROP TABLE workload.sudden")
    serves(journey, source)

    # A transaction that stays open, of a client that ignores the pooler and of one that does not.
    write = "INSERT INTO workload.orders VALUES (-1, -1)"
    for dsn in (source.owner_dsn, pooled):
        with psycopg.connect(dsn, prepare_threshold=None) as holder:
            holder.execute(write)
            aborted = journey.command("cutover", "--max-pause", "8")
            assert aborted.code == 4, aborted
            assert "transactions" in aborted.stderr, aborted.stderr
            if dsn == source.owner_dsn:
                assert f"process {holder.info.backend_pid} of {OWNER}" in aborted.stderr
            serves(journey, source)
            # It was not touched, and could go on.
            assert holder.execute("SELECT count(*) FROM workload.orders WHERE client = -1")
            holder.rollback()
    with psycopg.connect(source.owner_dsn) as holder:
        holder.execute(write)
        done = journey.command("cutover", "--cancel-blockers", "--max-pause", "20")
        assert done.code == 0, done.stderr
        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT")
    serves(journey, target)
    audit = journey.account()
    assert audit.pooler_errors == ()
    record_property(stalls.PROPERTY, audit.longest_stall_seconds)


def wait_until_gone(made: Made, pid: int) -> None:
    """See from another database that a session's process has ended."""
    with psycopg.connect(made.server.superuser_dsn, autocommit=True) as looking:
        deadline = time.monotonic() + 60
        while looking.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def serves(journey: Journey, made: Made) -> None:
    assert journey.serving() is made
    journey.workload.wait_for_writes(3)
