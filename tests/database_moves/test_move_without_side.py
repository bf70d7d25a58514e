"""Moves that end although one side is gone for good: nothing is left where that can be seen to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
import pytest
from catalogs import MADE_BY_MOVES, Listing, changed, listing
from faulty_move import MAJORS
from made import MOVER, OWNER, Made
from move_journey import NAME, lets_in
from psycopg import sql

from database_moves.cutover import gate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.forking import Forks
    from kit.mover import Ended, Mover
    from kit.servers import Servers

SCHEMA = """
CREATE TABLE public.visits (id int PRIMARY KEY, body text);
CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noting BEFORE INSERT ON public.visits FOR EACH ROW EXECUTE FUNCTION public.note();
ALTER TABLE public.visits ENABLE ALWAYS TRIGGER noting;
INSERT INTO public.visits SELECT n, 'before' FROM generate_series(1, 100) AS n;
"""


@dataclass
class Sides:
    """A move between two servers, of which one may be stopped."""

    own: Servers
    made: dict[str, Made]
    mover: Mover
    before: dict[str, Listing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self.made["source"].owner() as connection:
            connection.execute(SCHEMA.encode())
        self.before = {side: listing(made) for side, made in self.made.items()}

    def run(self, verb: str, *options: str) -> Ended:
        return self.mover.run("database", verb, NAME, *options)

    def ready(self) -> None:
        ended = self.run("move", "--cutover", "manual")
        assert ended.code == 0, ended.stderr

    def stop(self, side: str) -> None:
        self.own.stop(MAJORS[side])

    def start(self, side: str) -> None:
        self.own.start(MAJORS[side])

    def hears_how_to_go_on(self, verb: str, side: str) -> None:
        failed = self.run(verb)
        assert failed.code == 1, failed
        assert f"the {side} does not answer" in failed.stderr
        assert f"`patchworks database {verb} {NAME} --without {side}`" in failed.stderr

    def clean_up(self, side: str, said: str) -> None:
        """Run what was told for a side that has come back, and see that it is all."""
        commands = said.partition("run in it: ")[2].splitlines()[0]
        with self.made[side].superuser() as connection:
            for command in filter(None, map(str.strip, commands.split(";"))):
                if "SUBSCRIPTION" not in command or "subscriptions" in self.has(side):
                    connection.execute(command.encode())
        assert self.has(side) == []

    def has(self, side: str) -> list[str]:
        found = listing(self.made[side])
        kinds = [kind for kind in MADE_BY_MOVES if found[kind]]
        return kinds + [schema for schema in found["schemas"] if schema == "patchworks_moves"]


@pytest.fixture
def sides(
    own: Servers, own_pair: tuple[Made, Made], make_mover: Callable[..., Mover], forks: Forks
) -> Sides:
    mover = make_mover(*own_pair, forks=forks)
    return Sides(own, dict(zip(MAJORS, own_pair, strict=True)), mover)


def test_a_move_whose_target_is_gone_is_given_up_and_nothing_stays_on_the_source(
    sides: Sides,
) -> None:
    sides.ready()
    for side in MAJORS:
        refused = sides.run("abort", "--without", side)
        assert refused.code == 3, refused
        assert f"the {side} answers" in refused.stderr
    # As a mover and a guard would leave it that died together.
    source = sides.made["source"]
    with source.as_database("source").session("gate") as connection:
        gate.fence(connection, gate.read(connection).epoch + 1)
    assert not lets_in(source)

    sides.stop("target")
    sides.hears_how_to_go_on("abort", "target")
    done = sides.run("abort", "--without", "target")
    assert done.code == 0, done.stderr
    assert sides.run("abort").code == 0
    assert lets_in(source)
    assert changed(sides.before["source"], listing(source)) == {}

    sides.start("target")
    assert not lets_in(sides.made["target"])
    sides.clean_up("target", done.stderr)


def test_a_move_whose_source_is_gone_is_given_up_and_keeps_what_may_be_the_last_copy(
    sides: Sides,
) -> None:
    sides.ready()
    target = sides.made["target"]
    sides.stop("source")
    sides.hears_how_to_go_on("abort", "source")
    done = sides.run("abort", "--without", "source")
    assert done.code == 0, done.stderr
    assert "keeps what was copied" in done.stderr
    assert sides.has("target") == []
    # The source may come back and let applications in: not both.
    assert not lets_in(target)
    with target.superuser() as connection:
        assert connection.execute("SELECT count(*) FROM public.visits").fetchone() == (100,)
        enabled = "SELECT tgenabled FROM pg_trigger WHERE tgname = 'noting'"
        assert connection.execute(enabled).fetchone() in [("A",), (b"A",)]
        name, owner = sql.Identifier(target.name), sql.Identifier(OWNER)
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, owner))
    assert lets_in(target)

    sides.start("source")
    assert lets_in(sides.made["source"])
    sides.clean_up("source", done.stderr)


def test_a_move_whose_old_side_is_gone_is_finished_without_it(sides: Sides) -> None:
    sides.ready()
    cut_over = sides.run("cutover")
    assert cut_over.code == 0, cut_over.stderr
    assert sides.run("finish", "--without", "source", "--dump", "file").code == 2
    sides.stop("source")
    sides.hears_how_to_go_on("finish", "source")
    refused = sides.run("finish", "--without", "target")
    assert refused.code == 3
    done = sides.run("finish", "--without", "source")
    assert done.code == 0, done.stderr
    assert sides.run("finish").code == 0
    assert sides.has("target") == []
    assert lets_in(sides.made["target"])

    sides.start("source")
    assert not lets_in(sides.made["source"])
    sides.clean_up("source", done.stderr)


def test_a_side_that_serves_is_not_left_out(sides: Sides) -> None:
    sides.ready()
    cut_over = sides.run("cutover")
    assert cut_over.code == 0, cut_over.stderr
    sides.stop("target")
    refused = sides.run("finish", "--without", "target")
    assert refused.code == 3, refused
    assert "the target serves" in refused.stderr
    assert sides.run("abort", "--without", "target").code == 3
    sides.start("target")
    done = sides.run("finish")
    assert done.code == 0, done.stderr


def test_a_database_that_was_made_anew_is_told_from_the_one_the_move_began_with(
    sides: Sides,
) -> None:
    sides.ready()
    target = sides.made["target"]
    with target.superuser() as connection:
        for (name,) in connection.execute("SELECT subname FROM pg_subscription").fetchall():
            subscription = sql.Identifier(str(name))
            for statement in ("DISABLE", "SET (slot_name = NONE)"):
                connection.execute(
                    sql.SQL("ALTER SUBSCRIPTION {} {}").format(subscription, sql.SQL(statement))
                )
            connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(subscription))
    # Its name is the same, as is its server.
    with psycopg.connect(target.server.superuser_dsn, autocommit=True) as connection:
        name, owner = sql.Identifier(target.name), sql.Identifier(OWNER)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))

    refused = sides.run("move")
    assert refused.code == 3, refused
    assert "was dropped, or its server made anew, since" in refused.stderr
    assert f"`patchworks database abort {NAME} --without target`" in refused.stderr
    done = sides.run("abort", "--without", "target")
    assert done.code == 0, done.stderr
    assert changed(sides.before["source"], listing(sides.made["source"])) == {}
    refused = sides.run("move")
    assert refused.code == 3, refused
    assert "it was given up (aborted) on 20" in refused.stderr
    assert f"`patchworks database move {NAME}-2`" in refused.stderr
    moved = sides.mover.run("database", "move", f"{NAME}-2")
    assert moved.code == 0, moved.stderr


def test_the_old_database_is_dropped_from_whichever_other_one_lets_the_mover_in(
    sides: Sides, tmp_path: Path
) -> None:
    sides.ready()
    assert sides.run("cutover").code == 0
    server = sides.made["source"].server
    drop = ("--dump", str(tmp_path / "last dump"), "--drop-old-database")
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:

        def each(statement: str) -> None:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE datallowconn AND datname <> %s",
                (sides.made["source"].name,),
            ).fetchall()
            for (name,) in names:
                connection.execute(sql.SQL(statement).format(sql.Identifier(str(name))))

        each("REVOKE CONNECT ON DATABASE {} FROM PUBLIC")
        try:
            failed = sides.run("finish", *drop)
            assert failed.code == 1, failed
            assert "no other database there lets the mover's role in" in failed.stderr
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE template1 TO {}").format(sql.Identifier(MOVER))
            )
            command = ("database", "finish", NAME, *drop)
            assert sides.mover.run(*command, kill_at="finish.dropped").killed
            done = sides.run("finish", *drop)
            assert done.code == 0, done.stderr
        finally:
            each("GRANT CONNECT ON DATABASE {} TO PUBLIC")
        query = "SELECT FROM pg_database WHERE datname = %s"
        assert connection.execute(query, (sides.made["source"].name,)).fetchone() is None
    assert sides.has("target") == []
