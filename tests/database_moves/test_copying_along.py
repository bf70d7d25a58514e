"""Small tables get their indexes and keys in the transaction that brings their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from database_moves import crash_points
from database_moves.copying import erase_rows
from database_moves.errors import MoveError
from database_moves.schema import along, archive, restoring
from database_moves.schema.indexes import build_indexes
from database_moves.schema.restore import restore_pre_data
from tests.database_moves.copied import SLOT, copying

if TYPE_CHECKING:
    from pathlib import Path

    from made import Made

    from database_moves.progress import Step
    from database_moves.schema.archive import Archive

SCHEMA = r"""
CREATE TABLE public.plain (a int NOT NULL);
CREATE FUNCTION public.known(a int) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS 'SELECT count(*) FROM public.plain AS p WHERE p.a = $1';
CREATE SCHEMA "o'dd "" \ %s $1";
CREATE TABLE "o'dd "" \ %s $1"."t'; %s" (
    "i'd %s" int PRIMARY KEY, b text UNIQUE DEFERRABLE INITIALLY DEFERRED,
    EXCLUDE USING btree (b WITH =));
CREATE INDEX "ind'ex "" %s" ON "o'dd "" \ %s $1"."t'; %s" (lower(b)) INCLUDE (b) WHERE b <> '%s\';
INSERT INTO "o'dd "" \ %s $1"."t'; %s" SELECT n, 'b' || n FROM generate_series(1, 500) AS n;
CREATE UNIQUE INDEX plain_key ON public.plain (a);
ALTER TABLE public.plain REPLICA IDENTITY USING INDEX plain_key;
INSERT INTO public.plain SELECT generate_series(1, 900);
CREATE TABLE public.looks (a int PRIMARY KEY, b text);
CREATE INDEX looks_up ON public.looks (public.known(a));
INSERT INTO public.looks SELECT n, repeat('x', 100) FROM generate_series(1, 5000) AS n;
CREATE TABLE public.empty (a int PRIMARY KEY);
CREATE TABLE public.large (a int PRIMARY KEY, b text);
ALTER TABLE public.large ALTER b SET STORAGE EXTERNAL;
INSERT INTO public.large SELECT n, repeat('x', 100000) FROM generate_series(1, 100) AS n;
CREATE TABLE public.split (a int, b int, PRIMARY KEY (a, b)) PARTITION BY LIST (a);
CREATE TABLE public.split_1 PARTITION OF public.split FOR VALUES IN (1);
CREATE TABLE public.split_2 PARTITION OF public.split DEFAULT;
INSERT INTO public.split SELECT n % 3, n FROM generate_series(1, 300) AS n;
"""

SMALL = {"t'; %s", "plain", "looks", "split_1", "split_2"}

_INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisreplident,
       k.contype, k.condeferrable
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.conrelid = c.oid
 WHERE n.nspname = 'public' OR n.nspname LIKE 'o''dd%' ORDER BY 2
"""


@pytest.fixture
def made(pair: tuple[Made, Made], tmp_path: Path) -> Archive:
    source, target = pair[0].as_database("source"), pair[1].as_database("target")
    with pair[0].owner() as owner:
        owner.execute(SCHEMA.encode())
    written = archive.dump(source, tmp_path, target=target)
    restore_pre_data(written, target)
    return written


def indexes(made: Made) -> list[tuple[Any, ...]]:
    with made.superuser() as connection:
        return connection.execute(_INDEXES).fetchall()


def indexed(made: Made) -> set[str]:
    return {row[0] for row in indexes(made)}


def test_rows_and_indexes_of_small_tables_come_together_and_the_rest_afterwards(
    pair: tuple[Made, Made], made: Archive
) -> None:
    source, target = pair
    with copying(source, target) as copy:
        copy.run(builds=along.builds(made))
        copy.check()
    assert indexed(target) == SMALL
    before = indexes(target)
    # Of two tables, of a parent with two attached, and what reads another table's rows.
    assert build_indexes(copy.target, made, jobs=2) == 6
    assert [row for row in indexes(target) if row[0] in indexed(source)] == indexes(source)
    assert [row for row in indexes(target) if row in before] == before


def test_an_index_that_may_read_other_tables_waits_for_all_rows(
    pair: tuple[Made, Made], made: Archive
) -> None:
    source, target = pair
    with copying(source, target) as copy:
        copy.run(builds=along.builds(made))
    found = [row[1] for row in indexes(target) if row[0] == "looks"]
    assert len(found) == 1
    build_indexes(copy.target, made, jobs=2)
    with target.superuser() as connection:
        connection.execute("SET enable_seqscan = off")
        query = "SELECT count(*) FROM public.looks WHERE public.known(a) = 1"
        assert "looks_up" in str(connection.execute(f"EXPLAIN {query}").fetchall())
        assert connection.execute(query).fetchone() == (900,)


def test_an_index_that_cannot_be_built_is_left_for_whoever_names_it(
    pair: tuple[Made, Made], made: Archive
) -> None:
    source, target = pair
    with target.owner() as owner:
        owner.execute("CREATE SEQUENCE public.plain_key")
    with copying(source, target) as copy:
        copy.run(builds=along.builds(made))
        copy.check()
    assert indexed(target) < SMALL
    assert "plain" not in indexed(target)
    with pytest.raises(MoveError, match="plain_key"):
        build_indexes(copy.target, made, jobs=2)


def test_a_copy_that_starts_over_keeps_the_indexes_that_are_there(
    pair: tuple[Made, Made], made: Archive
) -> None:
    source, target = pair
    with copying(source, target) as copy:
        copy.run(builds=along.builds(made))
    before = indexes(target)
    with source.superuser() as connection:
        connection.execute("SELECT pg_drop_replication_slot(%s)", (SLOT,))
        connection.execute("UPDATE public.plain SET a = -a")
    with copying(source, target) as copy:
        erase_rows(copy.target)
        copy.run(builds=along.builds(made))
        copy.check()
    assert indexes(target) == before


@pytest.mark.parametrize("place", ["copy.before-commit", "copy.part-done"])
def test_a_killed_worker_leaves_rows_indexes_and_their_record_or_none_of_them(
    pair: tuple[Made, Made], made: Archive, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    kills: list[set[str]] = []

    def progress(step: Step) -> None:
        if "worker process ended" in step.detail:
            monkeypatch.delenv(crash_points.VARIABLE, raising=False)
            kills.append(indexed(target))

    monkeypatch.setenv(crash_points.VARIABLE, place)
    wanted = along.builds(made)
    with copying(source, target) as copy:
        copy.run(builds=wanted, progress=progress, jobs=1)
        copy.check()
        with copy.target.session("test") as connection:
            recorded = restoring.restored(connection)
    assert kills
    assert indexed(target) == SMALL
    for (_, table), build in wanted.items():
        assert recorded.issuperset(build.keys) == (table in indexed(target))
