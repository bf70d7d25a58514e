"""What an operator may get wrong at each moment: refused with a remedy, and nothing is changed."""

from __future__ import annotations

import json
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest
from catalogs import MADE_BY_MOVES, changed, listing
from kit.holding import Holding
from made import MOVER
from move_journey import NAME, lets_in
from psycopg import sql
from typer.testing import CliRunner

from database_moves import durable
from scripts.database import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.forking import Forks
    from kit.mover import Mover, Running
    from made import Made

runner = CliRunner()

IN_EACH_STEP = (
    "prepare.closed",
    "schema.erased",
    "copy.slot-created",
    "indexes.done",
    "constraints.done",
    "stream.subscribed",
    "verify.saved",
)

READER = "a reader"
READER_PASSWORD = 'read\'er "only" %41'
SCHEMA = """
CREATE TABLE public.visits (id int PRIMARY KEY, body text);
INSERT INTO public.visits SELECT n, 'before' FROM generate_series(1, 1000) AS n;
CREATE SEQUENCE public.round MINVALUE -3 MAXVALUE 3 INCREMENT 2 CYCLE;
SELECT nextval('public.round') FROM generate_series(1, 7);
"""


@pytest.fixture
def move_between(make_mover: Callable[..., Mover], forks: Forks) -> Callable[..., Mover]:
    return partial(make_mover, forks=forks)


@pytest.fixture
def filled(pair: tuple[Made, Made]) -> tuple[Made, Made]:
    with pair[0].owner() as connection:
        connection.execute(SCHEMA.encode())
    return pair


def test_a_role_that_may_only_read_begins_ends_and_swaps_no_move(
    filled: tuple[Made, Made], move_between: Callable[..., Mover], tmp_path: Path
) -> None:
    source, target = filled
    with source.superuser() as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(READER), READER_PASSWORD
            )
        )
        connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(READER)))
    try:
        reading = {"PATCHWORKS_SOURCE": source.dsn(READER, READER_PASSWORD)}
        reader = move_between(source, target, environment=reading, secrets=[READER_PASSWORD])
        refused = reader.run("database", "move", NAME)
        assert refused.code == 3, refused
        assert "privileges.owners" in refused.stdout

        mover = move_between(source, target)
        moved = mover.run("database", "move", NAME, "--cutover", "manual")
        assert moved.code == 0, moved.stderr
        before = [listing(made) for made in filled]
        for verb in ("move", "cutover", "abort"):
            refused = reader.run("database", verb, NAME)
            assert refused.code == 3, refused
            assert f"belongs to the role {MOVER}" in refused.stderr
        assert [changed(*pair) for pair in zip(before, map(listing, filled), strict=True)] == [
            {}
        ] * 2
        looked = reader.run("database", "status", NAME, "--json")
        assert json.loads(looked.stdout)["phase"] == "ready"

        wrong = {"PATCHWORKS_SOURCE": source.dsn(READER, "not its password")}
        failed = move_between(source, target, environment=wrong).run("database", "abort", NAME)
        assert failed.code == 1, failed
        assert "the source lets no session in" in failed.stderr
        assert "--without" not in failed.stderr
        failed = move_between(source, target, environment=wrong).run("database", "move", "another")
        assert failed.code == 3, failed
        assert "check the user and the password" in failed.stderr
        assert mover.run("database", "abort", NAME).code == 0
    finally:
        with source.superuser() as connection:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(READER)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(READER)))


def test_files_that_cannot_be_written_are_refused_before_anything_is_ended(
    filled: tuple[Made, Made], move_between: Callable[..., Mover], tmp_path: Path
) -> None:
    mover = move_between(*filled)
    assert mover.run("database", "move", NAME).code == 0
    nowhere = str(tmp_path / "nowhere" / "file")
    for options in (("--dump", nowhere), ("--dump", nowhere, "--drop-old-database")):
        refused = mover.run("database", "finish", NAME, *options)
        assert refused.code == 3, refused
        assert "can't be written" in refused.stderr
    assert mover.run("database", "report", NAME, "--output", f"{nowhere}.html").code == 2
    found = json.loads(mover.run("database", "status", NAME, "--json").stdout)
    assert found["phase"] == "soak"
    source, target = (made.mover_dsn for made in filled)
    beside = ("--source", source, "--target", target)
    for wrong, said in (
        (("--move", "unheard-of"), "nothing of a move unheard-of leads from the source"),
        (("--move", "No Such"), "cannot name a move"),
        (("--jobs", "0"), "--jobs"),
        (("--load-limit", "-1"), "--load-limit"),
    ):
        refused = runner.invoke(app, ["verify", *beside, *wrong])
        assert refused.exit_code == 2, refused.output
        assert said in " ".join(refused.output.split())
    # The way back is still there.
    assert mover.run("database", "rollback", NAME).code == 0
    assert lets_in(filled[0])
    with filled[0].owner() as connection:
        assert connection.execute("SELECT nextval('public.round')").fetchone() == (3,)
    assert mover.run("database", "finish", NAME).code == 0


def test_a_place_for_the_state_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(durable.StoreError, match=r"can't be recorded in .*--state"):
        durable.store_url(tmp_path / "a file" / "state")


def test_ctrl_c_in_each_phase_stops_at_a_safe_place_and_the_same_command_goes_on(
    filled: tuple[Made, Made], move_between: Callable[..., Mover], tmp_path: Path
) -> None:
    holding = Holding(tmp_path / "holding")
    mover = move_between(*filled, environment=holding.environment)
    movers: list[Running] = []
    for place in IN_EACH_STEP:
        holding.at(place, lambda: movers[-1].signal(signal.SIGINT))
        with mover.start("database", "move", NAME, "--cutover", "manual") as running:
            movers.append(running)
            ended = holding.until_ended(running)
        assert ended.code == 130, (place, ended)
        assert holding.left == set(), place
        assert "Traceback" not in ended.stderr, ended.stderr
    ended = mover.run("database", "move", NAME)
    assert ended.code == 0, ended.stderr
    found = json.loads(mover.run("database", "status", NAME, "--json").stdout)
    assert found["phase"] == "ready"
    assert mover.run("database", "abort", NAME).code == 0
    kinds = {kind: listing(filled[1])[kind] for kind in MADE_BY_MOVES}
    assert kinds == {kind: [] for kind in MADE_BY_MOVES}


@pytest.mark.needs_debian_postgresql
def test_version_15_is_left_by_a_role_that_is_no_superuser_without_a_way_back(
    make_database: Callable[[int], Made], move_between: Callable[..., Mover], tmp_path: Path
) -> None:
    source, target = make_database(15), make_database(18)
    with source.owner() as connection:
        connection.execute(SCHEMA.encode())
    mover = move_between(source, target)
    refused = mover.run("database", "move", NAME)
    assert refused.code == 3, refused
    assert "do without the way back" in refused.stdout
    moved = mover.run("database", "move", NAME, "--no-rollback")
    assert moved.code == 0, moved.stderr
    found = json.loads(mover.run("database", "status", NAME, "--json").stdout)
    assert (found["phase"], found["serving"], found["following"]) == ("soak", "target", None)
    refused = mover.run("database", "rollback", NAME)
    assert refused.code == 3
    with target.owner() as connection:
        assert connection.execute("SELECT count(*) FROM public.visits").fetchone() == (1000,)
        assert connection.execute("SELECT nextval('public.round')").fetchone() == (3,)
    dump = tmp_path / "last dump"
    done = mover.run("database", "finish", NAME, "--dump", str(dump), "--drop-old-database")
    assert done.code == 0, done.stderr
    assert dump.stat().st_size > 0
