"""Whole moves under writers, through PgBouncer and directly: nothing is lost, nothing is left."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from catalogs import MADE_BY_MOVES, changed, listing
from move_journey import NAME, lets_in, points

from database_moves.schema import programs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.mover import Ended
    from made import Made
    from move_journey import Journey

pytestmark = pytest.mark.needs_pgbouncer

NIGHTLY = bool(os.environ.get("PATCHWORKS_NIGHTLY"))

GIVEN_UP_AT = ["schema.restored", "copy.part-done", "stream.subscribed", "swap.follower-ready"]
if NIGHTLY:
    GIVEN_UP_AT += ["prepare.closed", "indexes.built", "swap.prepared", "swap.fenced"]

ENDS = [point for point in points() if point.startswith("abort.")]
"""Where giving up is killed, one place in each phase."""


def done(ended: Ended) -> None:
    assert ended.code == 0, (ended.code, ended.stdout, ended.stderr)


def older(journey: Journey) -> tuple[str, ...]:
    versions = [int(made.server.version.split(".")[0]) for made in (journey.source, journey.target)]
    return ("--allow-older-target",) if versions[1] < versions[0] else ()


def stands(journey: Journey, phase: str, serving: str) -> None:
    found = journey.status()
    assert (found["phase"], found["serving"]) == (phase, serving)
    assert journey.serving() is (journey.source if serving == "source" else journey.target)
    journey.workload.wait_for_writes(5)


def without_statistics(made: Made) -> list[tuple[Any, ...]]:
    """Tables with rows of which the planner knows nothing.

    All but the one that the application empties and fills again: it may be empty when it is
    analyzed and have rows when this asks.
    """
    with made.superuser() as connection:
        return connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0 AND n.nspname !~ '^pg_'"
            " AND n.nspname NOT IN ('information_schema', 'patchworks_moves')"
            " AND c.relname <> 'scratch'"
            " AND NOT EXISTS (SELECT FROM pg_stats AS s"
            " WHERE s.schemaname = n.nspname AND s.tablename = c.relname)"
        ).fetchall()


@pytest.mark.parametrize(("source", "target"), [(16, 18), *([(18, 16)] if NIGHTLY else [])])
def test_there_and_back_and_there_again_loses_nothing_and_leaves_nothing(
    make_journey: Callable[[int, int], Journey], source: int, target: int
) -> None:
    journey = make_journey(source, target)
    before = {made.name: listing(made) for made in (journey.source, journey.target)}
    journey.workload.start()
    # Every kind of write is among so many: a table that gets its first row later has no statistics.
    journey.workload.wait_for_writes(30)

    done(journey.move("--cutover", "manual", *older(journey)))
    stands(journey, "ready", "source")
    assert without_statistics(journey.target) == []
    refused = journey.command("rollback")
    assert refused.code == 3
    assert f"`patchworks database cutover {NAME}`" in refused.stderr
    assert journey.command("finish").code == 3

    done(journey.command("cutover"))
    stands(journey, "soak", "target")
    done(journey.command("cutover"))
    refused = journey.command("abort")
    assert refused.code == 3
    assert f"`patchworks database rollback {NAME}`" in refused.stderr

    done(journey.command("rollback"))
    stands(journey, "rolled-back", "source")
    done(journey.command("rollback"))
    done(journey.command("cutover"))
    stands(journey, "soak", "target")

    done(journey.command("finish"))
    stands(journey, "finished", "target")
    done(journey.command("finish"))
    for verb in ("cutover", "rollback", "abort"):
        assert journey.command(verb).code == 3
    assert journey.move().code == 3
    assert not lets_in(journey.source)

    audit = journey.account()
    assert audit.pooler_errors == ()
    old = changed(before[journey.source.name], listing(journey.source))
    # Nobody may come in but the mover, who is to drop it some day.
    assert set(old) == {"privileges"}
    new = changed(before[journey.target.name], listing(journey.target))
    assert set(new) == {"schemas", "relations"}
    assert listing(journey.target)["relations"] == before[journey.source.name]["relations"]


@pytest.mark.parametrize(("source", "target"), [(18, 16), *([(16, 18)] if NIGHTLY else [])])
def test_an_automatic_move_ends_with_the_old_database_dumped_and_dropped(
    make_journey: Callable[[int, int], Journey], tmp_path: Path, source: int, target: int
) -> None:
    journey = make_journey(source, target)
    journey.workload.start()
    done(journey.move(*older(journey)))
    stands(journey, "soak", "target")
    with journey.source.superuser() as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'workload'::regnamespace "
            "AND relkind = 'r'"
        ).fetchall()

    dump = tmp_path / "a last dump.pgdump"
    dump.write_text("somebody else's")
    with_drop = ("--dump", str(dump), "--drop-old-database")
    assert journey.command("finish", "--drop-old-database").code == 2
    refused = journey.command("finish", *with_drop)
    assert (refused.code, dump.read_text()) == (3, "somebody else's")
    dump.unlink()

    # The database is gone, and the run that removed it does not know.
    assert journey.command("finish", *with_drop, kill_at="finish.dropped").killed
    assert journey.status()["phase"] == "finishing"
    assert journey.command("rollback").code == 3
    done(journey.command("finish", *with_drop))
    done(journey.command("finish", *with_drop))
    assert journey.status()["phase"] == "finished"
    with psycopg.connect(journey.source.server.superuser_dsn) as connection:
        query = "SELECT count(*) FROM pg_database WHERE datname = %s"
        assert connection.execute(query, (journey.source.name,)).fetchone() == (0,)

    journey.workload.wait_for_writes(5)
    assert dump.stat().st_mode & 0o077 == 0
    restore = programs.find(source).pg_dump.with_name("pg_restore")
    listed = subprocess.run([restore, "--list", dump], capture_output=True, text=True, check=True)
    assert all(f"TABLE DATA workload {name} " in listed.stdout for (name,) in tables)
    assert "patchworks_moves" not in listed.stdout
    found = listing(journey.target)
    assert {name: found[name] for name in MADE_BY_MOVES} == {key: [] for key in MADE_BY_MOVES}
    assert journey.account_at(journey.target).pooler_errors == ()


def test_a_move_is_given_up_in_any_phase_and_both_sides_are_as_before(
    make_journey: Callable[[int, int], Journey],
) -> None:
    journey = make_journey(16, 18)
    journey.workload.start()
    before = {made.name: listing(made) for made in (journey.source, journey.target)}
    assert len(GIVEN_UP_AT) >= len(ENDS)
    for number, point in enumerate(GIVEN_UP_AT):
        journey.name = f"orders-{number}"
        assert journey.move(kill_at=f"{point}!").killed, point
        journey.serving()
        journey.workload.wait_for_writes(2)
        place = ENDS[number % len(ENDS)]
        assert journey.command("abort", kill_at=place).killed, place
        if number == 0:
            assert journey.move().code == 3
        done(journey.command("abort"))
        done(journey.command("abort"))
        assert journey.status()["phase"] == "aborted"
        assert lets_in(journey.source)
        for made in (journey.source, journey.target):
            assert changed(before[made.name], listing(made)) == {}, point
        assert journey.move().code == 3
        assert lets_in(journey.target)
    assert journey.account_at(journey.source).pooler_errors == ()
