"""What no stream brings is carried, in either direction, on real servers."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import pytest
from made import OWNER

from database_moves import control
from database_moves.carry import firing, large_objects, sequences, unlogged
from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg
    from made import Made

    Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(params=[(16, 18), (18, 16)], ids=["16 to 18", "18 to 16"])
def pair(request: pytest.FixtureRequest, make_database: Callable[[int], Made]) -> tuple[Made, Made]:
    return make_database(request.param[0]), make_database(request.param[1])


@pytest.fixture
def sessions(pair: tuple[Made, Made]) -> Iterator[tuple[Connection, Connection]]:
    with contextlib.ExitStack() as stack:
        found = [
            stack.enter_context(pair[0].as_database("source").session("carry")),
            stack.enter_context(pair[1].as_database("target").session("carry")),
        ]
        for connection in found:
            control.ensure(connection)
        yield found[0], found[1]


def on_both(pair: tuple[Made, Made], statements: str) -> None:
    for made in pair:
        with made.owner() as connection:
            connection.execute(statements)


def asked(made: Made, query: str) -> list[tuple[object, ...]]:
    with made.owner() as connection:
        return connection.execute(query).fetchall()


SEQUENCES = """
CREATE SCHEMA "Odd %s"; CREATE SCHEMA other;
CREATE SEQUENCE "Odd %s"."free ""1"" %s" INCREMENT -3 MINVALUE -1000 MAXVALUE 50 START 50;
CREATE SEQUENCE other.small AS smallint MAXVALUE 5 CYCLE;
CREATE SEQUENCE other.fresh START 7;
CREATE SEQUENCE other.put START 7;
CREATE SEQUENCE other.large CACHE 20;
CREATE UNLOGGED SEQUENCE other.unlogged;
CREATE TABLE other.owning (a serial, b bigint GENERATED ALWAYS AS IDENTITY);
"""
CALLS = """
SELECT nextval('"Odd %s"."free ""1"" %s"'), nextval('"Odd %s"."free ""1"" %s"');
SELECT nextval('other.small') FROM generate_series(1, 7);
SELECT setval('other.put', 41, false), setval('other.large', 9223372036854775807);
SELECT setval('other.unlogged', 12);
INSERT INTO other.owning DEFAULT VALUES; INSERT INTO other.owning DEFAULT VALUES;
"""
STATES = """
SELECT 'free', last_value, is_called FROM "Odd %s"."free ""1"" %s" UNION ALL
SELECT 'small', last_value, is_called FROM other.small UNION ALL
SELECT 'fresh', last_value, is_called FROM other.fresh UNION ALL
SELECT 'put', last_value, is_called FROM other.put UNION ALL
SELECT 'large', last_value, is_called FROM other.large UNION ALL
SELECT 'unlogged', last_value, is_called FROM other.unlogged UNION ALL
SELECT 'a', last_value, is_called FROM other.owning_a_seq UNION ALL
SELECT 'b', last_value, is_called FROM other.owning_b_seq
"""


def test_sequences_go_on_exactly_where_they_were_and_come_back(
    pair: tuple[Made, Made], sessions: tuple[Connection, Connection]
) -> None:
    on_both(pair, SEQUENCES)
    with pair[0].owner() as connection:
        connection.execute(CALLS)
    with pair[1].owner() as connection:
        connection.execute("SELECT setval('other.fresh', 100)")
    assert sequences.carry(*sessions) == 8
    expected = {
        ("free", 47, True),
        ("small", 2, True),
        ("fresh", 7, False),
        ("put", 41, False),
        ("large", 9223372036854775807, True),
        ("unlogged", 12, True),
        ("a", 2, True),
        ("b", 2, True),
    }
    assert set(asked(pair[1], STATES)) == expected
    assert asked(pair[1], "INSERT INTO other.owning DEFAULT VALUES RETURNING a, b") == [(3, 3)]
    sequences.carry(sessions[1], sessions[0])
    assert set(asked(pair[0], STATES)) == set(asked(pair[1], STATES))


def test_a_sequence_without_a_namesake_is_named(
    pair: tuple[Made, Made], sessions: tuple[Connection, Connection]
) -> None:
    with pair[0].owner() as connection:
        connection.execute('CREATE SEQUENCE "forgotten %s"')
    with pytest.raises(MoveError, match=r'public\."forgotten %s"'):
        sequences.carry(*sessions)


def test_two_thousand_sequences_are_carried_by_what_was_prepared(
    pair: tuple[Made, Made], sessions: tuple[Connection, Connection]
) -> None:
    on_both(
        pair,
        "DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format('CREATE SEQUENCE %I', 's ' || i); "
        "END LOOP; END $$",
    )
    prepared = sequences.prepare(*sessions)
    with pair[0].owner() as connection:
        connection.execute(
            "DO $$ BEGIN FOR i IN 1..1900 LOOP PERFORM setval(format('%I', 's ' || i), i); "
            "END LOOP; END $$"
        )
    assert sequences.carry(*sessions, prepared) == 2000
    found = "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1"
    assert asked(pair[0], found) == asked(pair[1], found)
    assert sequences.estimate(sessions[0]).count == 2000


OBJECTS = """
SELECT m.oid::bigint, pg_get_userbyid(m.lomowner),
       ARRAY(SELECT concat(a.grantee = 0, a.privilege_type, a.is_grantable)
               FROM aclexplode(coalesce(m.lomacl, acldefault('L', m.lomowner))) AS a ORDER BY 1),
       obj_description(m.oid, 'pg_largeobject'), sha256(lo_get(m.oid))
  FROM pg_largeobject_metadata AS m ORDER BY 1
"""


def test_large_objects_keep_number_bytes_owner_privileges_and_comment(
    pair: tuple[Made, Made], sessions: tuple[Connection, Connection]
) -> None:
    content = os.urandom(3 * large_objects.CHUNK + 17)
    with pair[0].owner() as connection:
        for oid, data in (
            (4_000_000_001, content),
            (70_001, b""),
            (70_002, b"old"),
            (70_003, b"x"),
        ):
            connection.execute("SELECT lo_from_bytea(%s::oid, %s)", (oid, data))
        connection.execute("SELECT lo_put(70001, 5000, 'after a hole')")
        connection.execute("GRANT SELECT ON LARGE OBJECT 70002 TO PUBLIC")
        connection.execute("REVOKE UPDATE ON LARGE OBJECT 70003 FROM CURRENT_USER")
        connection.execute("COMMENT ON LARGE OBJECT 70002 IS $$it's 100 %s$$")
    with pair[1].owner() as connection:
        connection.execute("SELECT lo_from_bytea(70002, 'longer than it was'), lo_create(99999)")
        connection.execute("COMMENT ON LARGE OBJECT 70002 IS 'to be replaced'")
        connection.execute("GRANT UPDATE ON LARGE OBJECT 70002 TO PUBLIC")
    cost = large_objects.estimate(sessions[0])
    assert (cost.count, cost.bytes >= len(content)) == (4, True)
    assert large_objects.carry(*sessions) == 5
    there = asked(pair[0], OBJECTS)
    assert [row[0] for row in there] == [70_001, 70_002, 70_003, 4_000_000_001]
    assert {row[1] for row in there} == {OWNER}
    assert asked(pair[1], OBJECTS) == there
    assert large_objects.carry(*sessions) == 0
    with pair[1].owner() as connection:
        connection.execute("SELECT lo_unlink(70002), lo_truncate64(lo_open(70001, 131072), 10)")
        connection.execute("COMMENT ON LARGE OBJECT 70003 IS 'new'")
    assert large_objects.carry(sessions[1], sessions[0]) == 3
    assert asked(pair[0], OBJECTS) == asked(pair[1], OBJECTS)


def test_rows_of_unlogged_tables_replace_what_was_there_without_firing_anything(
    pair: tuple[Made, Made], sessions: tuple[Connection, Connection]
) -> None:
    on_both(
        pair,
        """
        CREATE TABLE permanent (id int PRIMARY KEY);
        INSERT INTO permanent VALUES (1), (2);
        CREATE UNLOGGED TABLE "un ""logged"" %s" (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            f float8, twice float8 GENERATED ALWAYS AS (f * 2) STORED, "t %s" text,
            ref int REFERENCES permanent DEFERRABLE INITIALLY DEFERRED);
        CREATE UNLOGGED TABLE second (id bigint REFERENCES "un ""logged"" %s");
        CREATE UNLOGGED TABLE bare ();
        CREATE TABLE seen (t text);
        CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.seen VALUES (TG_NAME); RETURN NEW; END $$;
        CREATE TRIGGER plain BEFORE INSERT ON second FOR EACH ROW EXECUTE FUNCTION see();
        CREATE TRIGGER "always %s" BEFORE INSERT ON second FOR EACH ROW EXECUTE FUNCTION see();
        ALTER TABLE second ENABLE ALWAYS TRIGGER "always %s";
        CREATE TRIGGER off BEFORE INSERT ON second FOR EACH ROW EXECUTE FUNCTION see();
        ALTER TABLE second DISABLE TRIGGER off;
        """,
    )
    with pair[0].owner() as connection:
        connection.execute(
            r"""
            INSERT INTO "un ""logged"" %s" (f, "t %s", ref)
            VALUES (0.1 + 0.2, E'a\tb\\\n', 1), ('NaN', NULL, 2), ('-Infinity', '\N', NULL);
            INSERT INTO second VALUES (2); INSERT INTO bare DEFAULT VALUES;
            TRUNCATE seen;
            """
        )
    with pair[1].owner() as connection:
        connection.execute('INSERT INTO "un ""logged"" %s" (f) VALUES (5)')
    modes = "SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    before = asked(pair[1], modes)
    assert unlogged.estimate(sessions[0]).count == 3
    unlogged.carry(*sessions)
    unlogged.carry(*sessions)
    for query in (
        'SELECT id, f::text, twice::text, "t %s", ref FROM "un ""logged"" %s" ORDER BY 1',
        "SELECT id FROM second",
        "SELECT count(*) FROM bare",
    ):
        assert asked(pair[0], query) == asked(pair[1], query) != [], query
    assert asked(pair[1], "SELECT * FROM seen") == []
    assert asked(pair[1], modes) == before == [("always %s", "A"), ("off", "D"), ("plain", "O")]


FIRING = """
CREATE TABLE "t %s" (id int PRIMARY KEY);
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER "al ""ways %s" BEFORE INSERT ON "t %s" FOR EACH ROW EXECUTE FUNCTION quiet();
CREATE TRIGGER replica BEFORE INSERT ON "t %s" FOR EACH ROW EXECUTE FUNCTION quiet();
CREATE TRIGGER plain BEFORE INSERT ON "t %s" FOR EACH ROW EXECUTE FUNCTION quiet();
CREATE TRIGGER off BEFORE INSERT ON "t %s" FOR EACH ROW EXECUTE FUNCTION quiet();
CREATE TRIGGER cloned AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION quiet();
ALTER TABLE "t %s" ENABLE ALWAYS TRIGGER "al ""ways %s", ENABLE REPLICA TRIGGER replica,
    DISABLE TRIGGER off, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY part ENABLE ALWAYS TRIGGER cloned;
"""
MODES = """
SELECT tgrelid::regclass::text, tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
 UNION ALL SELECT relname, 'forced', relforcerowsecurity::text FROM pg_class WHERE relname = 't %s'
 ORDER BY 1, 2
"""


def test_firing_modes_are_off_on_the_follower_and_exact_on_the_serving_side_each_way(
    pair: tuple[Made, Made], sessions: tuple[Connection, Connection]
) -> None:
    on_both(pair, FIRING)
    source, target = sessions
    exact = asked(pair[0], MODES)
    assert firing.estimate(source).count == 4
    for _ in range(2):
        assert firing.carry(source, target) == 4
        assert firing.settings(target) == []
    assert asked(pair[0], MODES) == exact
    for _ in range(2):
        firing.release(target)
        assert asked(pair[1], MODES) == exact
    firing.carry(source, target)
    for _ in range(2):
        firing.carry(target, source)
        assert firing.settings(source) == []
    firing.release(source)
    assert asked(pair[0], MODES) == exact == asked(pair[1], MODES)


def test_what_became_of_a_trigger_while_following_is_what_the_new_serving_side_gets(
    pair: tuple[Made, Made], sessions: tuple[Connection, Connection]
) -> None:
    on_both(pair, FIRING)
    firing.carry(*sessions)
    with pair[0].owner() as connection:
        connection.execute('ALTER TABLE "t %s" DISABLE TRIGGER replica')
    firing.carry(*sessions)
    firing.release(sessions[1])
    assert firing.settings(sessions[1]) == firing.settings(sessions[0])
