"""What a copy brings is what the snapshot showed, each row once, against real servers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from database_moves.copying import erase_rows, through_libpq, wire
from database_moves.errors import MoveError
from tests.database_moves.copied import SLOT, copying, on_both

if TYPE_CHECKING:
    from collections.abc import Callable

    from made import Made

    Way = Callable[..., tuple[int, int]]

NAME = 'Order "%s" $1; \u00fc\u4e2d' + "x" * 20
HOSTILE = f'"{NAME.replace(chr(34), chr(34) * 2)}"'

SCHEMA = f"""
CREATE SCHEMA {HOSTILE};
CREATE TYPE {HOSTILE}.mood AS ENUM ('sad, "so"', E'it''s\\\\ok', '\u4e2d');
CREATE DOMAIN {HOSTILE}.positive AS numeric CHECK (VALUE > 0 OR VALUE = 'NaN');
CREATE TYPE {HOSTILE}.pair AS (a int, b {HOSTILE}.mood, c text[]);
CREATE TABLE {HOSTILE}.{HOSTILE} (
    "select" bigint GENERATED ALWAYS AS IDENTITY,
    "a ""b"" c" text, doubled text GENERATED ALWAYS AS (lower("a ""b"" c")) STORED,
    f float8, r real, n numeric, p {HOSTILE}.positive, t timestamptz, d date, i interval,
    m {HOSTILE}.mood, ms {HOSTILE}.mood[], c {HOSTILE}.pair, cs {HOSTILE}.pair[],
    g int4range, gs datemultirange, j json, jb jsonb, b bytea, u uuid, ip inet, bits varbit,
    ar int[][], v tsvector);
CREATE TABLE public.named (id int, about regclass, types regtype[]);
CREATE TABLE public.nothing ();
CREATE TABLE public.only_generated (g int GENERATED ALWAYS AS (1) STORED);
CREATE TABLE public.empty (a int);
CREATE UNLOGGED TABLE public.passing (a int);
CREATE TABLE public.split (a int, b text) PARTITION BY LIST (a);
CREATE TABLE public.split_1 PARTITION OF public.split FOR VALUES IN (1);
CREATE TABLE public.split_2 PARTITION OF public.split DEFAULT PARTITION BY RANGE (a);
CREATE TABLE public.split_2_rest PARTITION OF public.split_2 DEFAULT;
CREATE TABLE public.parent (a int);
CREATE TABLE public.child (b int) INHERITS (public.parent);
"""

ROWS = f"""
INSERT INTO {HOSTILE}.{HOSTILE} ("a ""b"" c", f, r, n, p, t, d, i, m, ms, c, cs, g, gs, j, jb, b, u,
                                 ip, bits, ar, v)
SELECT E'TAB\\t back\\\\slash \\\\. \\\\N new\\nline \\r \u4e2d \\x01 ' || k,
       (ARRAY['NaN', 'Infinity', '-Infinity', '0.1', '-0', '1e-323'])[1 + k % 6]::float8,
       (ARRAY['NaN', '3.4e38', '1e-45', '0.1'])[1 + k % 4]::real,
       (ARRAY['NaN', 'Infinity', '1e1000', '-0.000', '12345.6780'])[1 + k % 5]::numeric,
       (ARRAY['NaN', '7.50'])[1 + k % 2]::numeric,
       (ARRAY['infinity', '-infinity', '4713-01-01 BC', '294276-12-31'])[1 + k % 4]::timestamptz,
       (ARRAY['infinity', '5874897-12-31'])[1 + k % 2]::date, '1 mon -2 days 3.000001 s'::interval,
       E'it''s\\\\ok', ARRAY['\u4e2d', NULL, 'sad, "so"']::{HOSTILE}.mood[],
       ROW(k, '\u4e2d', ARRAY['a,b', NULL, '{{}}', ''])::{HOSTILE}.pair,
       ARRAY[ROW(1, NULL, '{{}}')::{HOSTILE}.pair, NULL],
       (ARRAY['empty', '(,5)', '[1,)'])[1 + k % 3]::int4range,
       '{{[2020-01-01,2020-02-01),[2021-01-01,)}}', E'{{"a":  1, "a": "\\\\u00e9"}}',
       '{{"x": [1e400, null, "\u4e2d"]}}', decode(md5(k::text), 'hex'), md5(k::text)::uuid,
       '::ffff:10.0.0.1/120', B'10101', '[0:1][-1:0]={{{{1,2}},{{3,NULL}}}}', 'a:1A b''c:2'
  FROM generate_series(1, 3000) AS k;
INSERT INTO {HOSTILE}.{HOSTILE} DEFAULT VALUES;
INSERT INTO public.named VALUES (1, 'public.named', '{{int4,text,numeric}}');
INSERT INTO public.only_generated SELECT FROM generate_series(1, 5);
INSERT INTO public.nothing SELECT FROM generate_series(1, 7);
INSERT INTO public.passing VALUES (1);
INSERT INTO public.split SELECT k % 3, 'row ' || k FROM generate_series(1, 999) AS k;
INSERT INTO public.split VALUES (NULL, NULL);
INSERT INTO public.parent VALUES (1);
INSERT INTO public.child VALUES (2, 3);
"""


@pytest.mark.parametrize("majors", [(16, 18), (18, 16)])
def test_a_copy_holds_every_hostile_value_as_it_was(
    make_database: Callable[[int], Made], majors: tuple[int, int]
) -> None:
    source, target = (make_database(major) for major in majors)
    on_both(source, target, SCHEMA)
    with source.owner() as owner:
        owner.execute(ROWS.encode())
    with copying(source, target) as copy:
        result = copy.run(part_bytes=1024**2)
        copy.check("passing")
        assert result.rows == 3001 + 1 + 7 + 5 + 1000 + 2
        with copy.target.session("test") as connection:
            assert connection.execute("SELECT about::text FROM public.named").fetchone() == (
                "public.named",
            )


def test_parts_hold_each_row_once_while_writers_move_them_about(pair: tuple[Made, Made]) -> None:
    source, target = pair
    on_both(source, target, "CREATE TABLE public.busy (id int, n int DEFAULT 0, filler text)")
    with source.owner() as owner:
        owner.execute(
            "INSERT INTO public.busy SELECT k, 0, repeat(md5(k::text), 10) "
            "FROM generate_series(1, 40000) AS k"
        )
    ended = threading.Event()
    written = threading.Event()

    def write() -> None:
        with source.owner() as owner:
            while not ended.is_set():
                owner.execute(
                    "UPDATE public.busy SET n = n + 1 WHERE id = ANY "
                    "(ARRAY(SELECT (random() * 40000)::int FROM generate_series(1, 200)))"
                )
                owner.execute("DELETE FROM public.busy WHERE id % 977 = (random() * 976)::int")
                owner.execute(
                    "INSERT INTO public.busy SELECT 0, 1, 'new' FROM generate_series(1, 50)"
                )
                written.set()

    with copying(source, target) as copy:
        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert written.wait(30)
            copy.run(rate_limit=20_000_000)
        finally:
            ended.set()
            writer.join()
        copy.check()
        with copy.target.session("test") as connection:
            parts = connection.execute(
                "SELECT part, parts, rows FROM patchworks_moves.part ORDER BY part"
            ).fetchall()
            assert len(parts) == parts[0][1] > 10
            assert sum(rows for *_, rows in parts) == 40000


def test_two_thousand_empty_tables_need_no_session_for_each(pair: tuple[Made, Made]) -> None:
    source, target = pair
    on_both(
        source,
        target,
        "DO $$ BEGIN FOR k IN 1..2000 LOOP "
        "EXECUTE format('CREATE TABLE public.t%s (a int)', k); COMMIT; END LOOP; END $$",
    )
    with copying(source, target) as copy:
        assert copy.run().rows == 0
        with copy.target.session("test") as connection:
            assert connection.execute("SELECT count(*) FROM patchworks_moves.part").fetchone() == (
                0,
            )


def test_row_security_hides_no_row_from_the_copy(pair: tuple[Made, Made]) -> None:
    source, target = pair
    on_both(source, target, "CREATE TABLE public.secret (a int)")
    with source.owner() as owner:
        owner.execute("INSERT INTO public.secret SELECT generate_series(1, 9)")
        owner.execute("ALTER TABLE public.secret ENABLE ROW LEVEL SECURITY")
    with copying(source, target) as copy:
        assert copy.run().rows == 9
    with source.owner() as owner:
        owner.execute("ALTER TABLE public.secret FORCE ROW LEVEL SECURITY")
    with source.superuser() as connection:
        connection.execute(sql.SQL("SELECT pg_drop_replication_slot({})").format(SLOT))
    with copying(source, target) as copy:
        erase_rows(copy.target)
        with pytest.raises(MoveError, match=r"public\.secret.*row-level security"):
            copy.run()


def test_erasing_empties_what_holds_rows_and_leaves_an_empty_table_as_it_is(
    pair: tuple[Made, Made],
) -> None:
    source, target = pair
    on_both(source, target, "CREATE TABLE public.full (a int); CREATE TABLE public.empty (a int)")
    with target.owner() as owner:
        owner.execute("INSERT INTO public.full SELECT generate_series(1, 9)")
        owner.execute("DELETE FROM public.full WHERE a > 5")
        before = files(owner)
    with copying(source, target) as copy:
        erase_rows(copy.target)
        copy.run()
    with target.owner() as owner:
        after = files(owner)
        assert owner.execute("SELECT count(*) FROM public.full").fetchone() == (0,)
    assert after["empty"] == before["empty"]
    assert after["full"] != before["full"]


def files(connection: psycopg.Connection[Any]) -> dict[str, int]:
    return dict(
        connection.execute(
            "SELECT relname, pg_relation_filenode(oid)::bigint FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
    )


@pytest.mark.parametrize("way", [wire.copy, through_libpq.copy])
def test_both_ways_of_passing_rows_bring_the_same(pair: tuple[Made, Made], way: Way) -> None:
    source, target = pair
    on_both(source, target, "CREATE TABLE public.mixed (a int, b text)")
    with source.owner() as owner:
        owner.execute(
            "INSERT INTO public.mixed SELECT k, repeat('\u00e9d' || k, "
            "(CASE k % 100 WHEN 0 THEN 300000 ELSE k % 7 END)) FROM generate_series(1, 999) AS k"
        )
    query = "SELECT count(*), sum(a), md5(string_agg(md5(b), '' ORDER BY a)) FROM public.mixed"
    pieces: list[int] = []
    with (
        source.as_database("source").session("test", autocommit=False) as reading,
        target.as_database("target").session("test", autocommit=False) as writing,
    ):
        before = reading.execute(query).fetchone()
        assert writing.execute("SELECT 1").fetchone() == (1,)
        for form in (b"text", b"binary"):
            rows, size = way(
                reading.pgconn,
                writing.pgconn,
                b"COPY public.mixed TO STDOUT (FORMAT " + form + b")",
                b"COPY public.mixed FROM STDIN (FORMAT " + form + b")",
                pieces.append,
            )
            assert (rows, size) == (999, sum(pieces))
            pieces.clear()
            # Both connections go on as ordinary ones.
            assert reading.execute(query).fetchone() == before
            assert writing.execute(query).fetchone() == before
            writing.execute("TRUNCATE public.mixed")


@pytest.mark.parametrize("way", [wire.copy, through_libpq.copy])
def test_an_error_of_either_server_is_raised_as_its_own(pair: tuple[Made, Made], way: Way) -> None:
    source, target = pair
    on_both(source, target, "CREATE TABLE public.t (a int)")
    with source.owner() as owner:
        owner.execute("INSERT INTO public.t SELECT generate_series(0, 200000)")
    with target.owner() as owner:
        owner.execute("ALTER TABLE public.t ADD CHECK (a <> 150000)")

    def run(select: bytes) -> None:
        with (
            source.as_database("source").session("test", autocommit=False) as reading,
            target.as_database("target").session("test", autocommit=False) as writing,
        ):
            reading.execute("SELECT 1")
            writing.execute("SELECT 1")
            way(
                reading.pgconn,
                writing.pgconn,
                select,
                b"COPY public.t FROM STDIN (FORMAT binary)",
                lambda _: None,
            )

    with pytest.raises(psycopg.errors.CheckViolation):
        run(b"COPY public.t TO STDOUT (FORMAT binary)")
    with pytest.raises(psycopg.errors.DivisionByZero):
        run(b"COPY (SELECT 1 / (100000 - a) FROM public.t) TO STDOUT (FORMAT binary)")
    with pytest.raises(psycopg.errors.UndefinedTable):
        run(b"COPY public.missing TO STDOUT (FORMAT binary)")
    with target.owner() as owner:
        assert owner.execute("SELECT count(*) FROM public.t").fetchone() == (0,)


def test_rows_that_nobody_copied_are_neither_kept_nor_overwritten(
    pair: tuple[Made, Made],
) -> None:
    source, target = pair
    on_both(source, target, "CREATE TABLE public.t (a int)", "INSERT INTO public.t VALUES (1)")
    with copying(source, target) as copy:
        with pytest.raises(MoveError, match=r"public\.t"):
            copy.run()
        erase_rows(copy.target)
        assert copy.run().rows == 1
        # A second call finds all there.
        assert copy.run().rows == 1
        copy.check()
