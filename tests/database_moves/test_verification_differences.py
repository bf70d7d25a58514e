"""Every kind of wrong row is found on real servers with its key, and nothing else is reported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from database_moves import inventory
from database_moves.verification import render, verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from made import Made

    from database_moves.verification import Verification

HOSTILE = 'Rows; "of" %s \u00fc\u4e2d $1'
KEY = 'key "%s'
OTHER = "select, %(n)s"

TABLES = (
    # Every type whose text might differ between versions, and every way to be nothing.
    """CREATE TABLE {hostile} (
        {key} bigint PRIMARY KEY, {other} text, b bytea, f float8, g float4, n numeric,
        j json, jb jsonb, a text[], r int4range, t timestamptz, i interval, m money, c char(5),
        u uuid, e {mood}, d {short}, co {pair},
        twice bigint GENERATED ALWAYS AS ({key} * 2) STORED)""",
    'CREATE TABLE two_columns (tenant text COLLATE "C", id int, v text, PRIMARY KEY (tenant, id))',
    "CREATE TABLE by_text (id text PRIMARY KEY, v int)",
    "CREATE TABLE by_array (id int[] PRIMARY KEY, v int)",
    "CREATE TABLE keyless (a int, b text)",
    "CREATE TABLE no_columns ()",
    "CREATE TABLE nothing_in_it (id int PRIMARY KEY)",
)
ROWS = (
    """INSERT INTO {hostile} ({key}, {other}, b, f, g, n, j, jb, a, r, t, i, m, c, u, e, d, co)
       SELECT s, CASE s % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN repeat('long ', 400)
              ELSE 'a,"b' || s END,
              decode(repeat(lpad(to_hex(s % 256), 2, '0'), (s % 5 * 300)::int), 'hex'),
              CASE s % 3 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0' ELSE 1 / s::float8 END, s / 3.0::float4,
              CASE s % 2 WHEN 0 THEN 'NaN' ELSE s * 1.10 END, '{{"b": 1,  "a": [1.0]}}',
              '{{"b": 1,  "a": [1.0]}}', ARRAY[NULL, '', 'x' || s], int4range(1, s::int + 2),
              CASE s % 3 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity'
                   ELSE '2026-01-01'::timestamptz + s * interval '1 s' END,
              s * interval '1 month 1 s', (s * 1.25)::numeric::money, 'c', md5(s::text)::uuid,
              'so, "so"', 'short', ROW(1, NULL)::{pair}
         FROM generate_series(1, 3000) AS s""",
    "INSERT INTO two_columns SELECT 't' || s % 3, s, 'v' || s FROM generate_series(1, 3000) AS s",
    "INSERT INTO by_text SELECT 'T' || s, s FROM generate_series(1, 3000) AS s",
    "INSERT INTO by_array SELECT ARRAY[s, 7], s FROM generate_series(1, 3000) AS s",
    "INSERT INTO keyless SELECT s % 100, 'x' FROM generate_series(1, 3000) AS s",
    "INSERT INTO no_columns SELECT FROM generate_series(1, 5)",
)


def fill(made: Made) -> None:
    """The same tables with the same rows; large ones are cut into ranges by a small limit."""
    with made.owner() as connection:
        for statement in (
            "CREATE TYPE {mood} AS ENUM ('so, \"so\"', 'gl\u00fccklich')",
            "CREATE DOMAIN {short} AS varchar(20)",
            "CREATE TYPE {pair} AS (a int, b text)",
            *TABLES,
            *ROWS,
        ):
            connection.execute(statement_of(statement))
        connection.execute("ANALYZE")


def statement_of(text: str) -> sql.Composed:
    return sql.SQL(text).format(
        hostile=sql.Identifier(HOSTILE),
        key=sql.Identifier(KEY),
        other=sql.Identifier(OTHER),
        mood=sql.Identifier('Mood "%s'),
        short=sql.Identifier("Short; %s"),
        pair=sql.Identifier("Pair ,"),
    )


def tables_of(made: Made) -> tuple[inventory.Table, ...]:
    with made.as_database("source").session("test") as connection:
        return inventory.tables(connection)


def compare(source: Made, target: Made) -> Verification:
    return verify(
        source.as_database("source"), target.as_database("target"), tables_of(source), patience=1
    )


@pytest.fixture(params=["one statement for all", "ranges", "ranges of few rows"])
def manner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables are compared whole, larger ones in ranges: here both with the same rows."""
    if request.param == "one statement for all":
        return
    monkeypatch.setattr("database_moves.verification.plan.SMALL_BYTES", -1)
    if request.param == "ranges":
        return
    monkeypatch.setattr("database_moves.verification.ranges.MOST_ROWS", 500)
    monkeypatch.setattr("database_moves.verification.ranges.BUCKET_ROWS", 400)
    monkeypatch.setattr("database_moves.verification.compare.LISTED_ROWS", 1_000)
    monkeypatch.setattr("database_moves.verification.compare.PROVEN_ROWS", 7)


@pytest.mark.parametrize("majors", [(16, 18), (18, 16)], ids=["16 to 18", "18 to 16"])
def test_each_wrong_row_is_reported_with_its_key_and_no_other(
    make_database: Callable[[int], Made], majors: tuple[int, int], manner: None
) -> None:
    source, target = (make_database(major) for major in majors)
    fill(source)
    fill(target)
    assert compare(source, target).agrees
    with target.owner() as connection:
        for statement in (
            "DELETE FROM {hostile} WHERE {key} = 17",
            "DELETE FROM two_columns WHERE id = 1500",
            "INSERT INTO two_columns VALUES ('t1', 9000, 'v')",
            "INSERT INTO by_text VALUES ('T 9000', 1)",
            "UPDATE {hostile} SET n = 5.5 WHERE {key} = 5",
            "UPDATE {hostile} SET n = 7.700 WHERE {key} = 7",
            "UPDATE {hostile} SET {other} = NULL WHERE {key} = 1",
            "UPDATE {hostile} SET {other} = {other} || ' ' WHERE {key} = 2",
            "UPDATE {hostile} SET f = 0 WHERE {key} = 4",
            "UPDATE {hostile} SET t = 'infinity', i = '30 days 1 s' WHERE {key} = 1000",
            'UPDATE {hostile} SET j = \'{{"b": 1, "a": [1.0]}}\' WHERE {key} = 2000',
            "UPDATE {hostile} SET b = overlay(b PLACING 'x' FROM 1100) WHERE {key} = 2999",
            "UPDATE by_text SET v = 0 WHERE id = 'T2000'",
            "UPDATE by_array SET v = 0 WHERE id = '{{2000,7}}'",
            "DELETE FROM by_array WHERE id = '{{1,7}}'",
            # A row of the keyless table missing, one doubled, one that nobody wrote.
            "DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless WHERE a = 1)",
            "INSERT INTO keyless VALUES (2, 'x'), (2, 'x'), (1000, 'new')",
            "INSERT INTO no_columns DEFAULT VALUES",
            "INSERT INTO nothing_in_it VALUES (3)",
        ):
            connection.execute(statement_of(statement))
    found = compare(source, target)
    whole = {(d.table, d.kind, tuple(d.key.values()), d.columns) for d in found.differences}
    hostile = inventory.qualified_name("public", HOSTILE)
    assert whole == {
        (hostile, "missing", ("17",), ()),
        ("public.two_columns", "missing", ("t0", "1500"), ()),
        ("public.two_columns", "extra", ("t1", "9000"), ()),
        ("public.by_text", "extra", ("T 9000",), ()),
        # 5.50 became 5.5, and 7.70 became 7.700.
        (hostile, "differs", ("5",), ("n",)),
        (hostile, "differs", ("7",), ("n",)),
        (hostile, "differs", ("1",), (OTHER,)),
        (hostile, "differs", ("2",), (OTHER,)),
        (hostile, "differs", ("4",), ("f",)),
        (hostile, "differs", ("1000",), ("t", "i")),
        (hostile, "differs", ("2000",), ("j",)),
        (hostile, "differs", ("2999",), ("b",)),
        ("public.by_text", "differs", ("T2000",), ("v",)),
        ("public.by_array", "differs", ("{2000,7}",), ("v",)),
        ("public.by_array", "missing", ("{1,7}",), ()),
        ("public.keyless", "missing", (), ()),
        ("public.keyless", "doubled", (), ()),
        ("public.keyless", "extra", (), ()),
        ("public.no_columns", "doubled", (), ()),
        ("public.nothing_in_it", "extra", ("3",), ()),
    }
    assert found.counts == {"missing": 4, "extra": 4, "differs": 10, "doubled": 3}
    assert not found.agrees
    assert {table.table: table.rows for table in found.tables}["public.keyless"] == 3000


def test_a_row_doubled_beside_its_key_is_found(pair: tuple[Made, Made]) -> None:
    source, target = pair
    for made in pair:
        with made.owner() as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
            connection.execute("INSERT INTO t SELECT s, 'v' FROM generate_series(1, 100) AS s")
    with target.owner() as connection:
        connection.execute("ALTER TABLE t DROP CONSTRAINT t_pkey")
        connection.execute("INSERT INTO t VALUES (42, 'v')")
    found = compare(source, target)
    assert [(d.kind, d.key) for d in found.differences] == [("doubled", {"id": "42"})]


def test_what_cannot_be_compared_is_named(pair: tuple[Made, Made]) -> None:
    source, target = pair
    with source.owner() as connection:
        connection.execute("CREATE TABLE gone (id int PRIMARY KEY)")
        connection.execute("CREATE TABLE wider (id int PRIMARY KEY, b text, c json)")
    with target.owner() as connection:
        connection.execute("CREATE TABLE wider (id int PRIMARY KEY, c jsonb, d int)")
    found = compare(source, target)
    assert {(d.table, d.kind, d.detail) for d in found.differences} == {
        ("public.gone", "structure", "the table is not on the follower"),
        (
            "public.wider",
            "structure",
            "column b is only on the serving side; column c is json on the serving side and jsonb "
            "on the follower; column d is only on the follower",
        ),
    }
    assert not found.agrees


def test_reports_hold_keys_and_column_names_but_no_values(pair: tuple[Made, Made]) -> None:
    source, target = pair
    for made, value in zip(pair, ("our secret", "their secret"), strict=True):
        with made.owner() as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
            connection.execute(
                "INSERT INTO t SELECT s, %s FROM generate_series(1, 1500) s", [value]
            )
    found = compare(source, target)
    text = render(found, most=3)
    assert "public.t: differs; id = " in text
    assert "in v" in text
    assert "public.t: 1,497 more" in text
    assert "not equal: 1,500 differs" in text
    told = text + json.dumps(found.to_json()) + repr(found)
    assert "secret" not in told
    # All are counted, and some listed.
    assert found.counts == {"differs": 1500}
    assert len(found.differences) == 1000
