"""Preflight, against real servers: what is in the database that a move must know of."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from database_moves.options import MoveOptions
from database_moves.poolers.pooler import PoolerState, PoolerUnreachableError
from database_moves.preflight import Report
from database_moves.preflight.reaching import open_session
from database_moves.preflight.registry import CHECKS
from database_moves.preflight.running import judge
from database_moves.preflight.situation import Server, Situation
from tests.database_moves.preflight_levels import Standing, crashed, level_of, look, said, shows

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import LiteralString

    from made import Made


def run(made: Made, *statements: LiteralString) -> None:
    with made.owner() as connection:
        for statement in statements:
            connection.execute(statement)


def run_as_superuser(made: Made, *statements: LiteralString) -> None:
    with made.superuser() as connection:
        for statement in statements:
            connection.execute(statement)


@shows({"tables.replica-identity": "refused"})
def test_tables_without_a_replica_identity_get_the_statement_that_gives_one(
    pair: tuple[Made, Made],
) -> Report:
    source, target = pair
    run(
        source,
        'CREATE TABLE "no; key" (x int)',
        "CREATE TABLE nothing (id int PRIMARY KEY)",
        "ALTER TABLE nothing REPLICA IDENTITY NOTHING",
        "CREATE TABLE later (id int PRIMARY KEY DEFERRABLE)",
        "CREATE TABLE almost (id int NOT NULL UNIQUE)",
        "CREATE TABLE documents (body json)",
        "CREATE TABLE whole (x int)",
        "ALTER TABLE whole REPLICA IDENTITY FULL",
        "CREATE TABLE keyed (id int PRIMARY KEY)",
        "CREATE TABLE parts (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9)",
        "CREATE UNLOGGED TABLE fleeting (x int)",
        "CREATE TEMPORARY TABLE gone (x int)",
    )
    report = look(source, target, "tables.replica-identity")
    assert report.verdicts[0].objects == (
        'public."no; key"',
        "public.almost",
        "public.documents",
        "public.later",
        "public.nothing",
        "public.part",
    )
    remedies = str(report.verdicts[0].remedy).splitlines()
    assert remedies[0] == 'ALTER TABLE "public"."no; key" REPLICA IDENTITY FULL;'
    assert remedies[1].endswith('"almost" REPLICA IDENTITY USING INDEX "almost_id_key";')
    assert "PRIMARY KEY" in remedies[2]
    assert remedies[4].endswith('"nothing" REPLICA IDENTITY DEFAULT;')
    return report


@shows({"tables.replica-identity": "fine", "tables.equality": "fine"})
def test_the_remedies_for_tables_without_an_identity_do_help(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    run(
        source,
        'CREATE TABLE "no; key" (x int)',
        "CREATE TABLE nothing (id int PRIMARY KEY)",
        "ALTER TABLE nothing REPLICA IDENTITY NOTHING",
        "CREATE TABLE almost (id int NOT NULL UNIQUE)",
        "CREATE TABLE documents (body json)",
        "CREATE TABLE points (at point)",
        "ALTER TABLE points REPLICA IDENTITY FULL",
    )
    checks = ("tables.replica-identity", "tables.equality")
    with source.owner() as connection:
        for verdict in look(source, target, *checks).verdicts:
            connection.execute(str(verdict.remedy))
    return look(source, target, *checks)


@shows({"tables.generated-keys": "refused"})
def test_rows_that_only_generated_columns_tell_apart_are_refused(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    run(source, *GENERATED)
    both = look(source, target, "tables.generated-keys")
    one_way = look(source, target, "tables.generated-keys", rollback=False)
    assert both.verdicts[0].objects == ("public.identity", "public.keyed", "public.whole")
    assert one_way.verdicts[0].objects == ("public.identity", "public.keyed")
    return both


GENERATED = (
    "CREATE TABLE keyed (id int, g int GENERATED ALWAYS AS (id * 2) STORED PRIMARY KEY)",
    "CREATE TABLE whole (id int, g int GENERATED ALWAYS AS (id * 2) STORED)",
    "ALTER TABLE whole REPLICA IDENTITY FULL",
    "CREATE TABLE identity (id int NOT NULL UNIQUE, "
    "g int GENERATED ALWAYS AS (id * 2) STORED NOT NULL UNIQUE)",
    "ALTER TABLE identity REPLICA IDENTITY USING INDEX identity_g_key",
    "CREATE TABLE well (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id * 2) STORED)",
)


@shows({"tables.generated-keys": "fine"})
def test_the_remedies_for_generated_keys_let_a_publisher_update(
    make_database: Callable[[int], Made],
) -> Report:
    source, target = make_database(18), make_database(18)
    tables = ("keyed", "whole", "identity", "well")
    run(source, *GENERATED)
    remedy = str(look(source, target, "tables.generated-keys").verdicts[0].remedy)
    with source.owner() as connection:
        connection.execute("CREATE PUBLICATION p FOR TABLE keyed, whole, identity, well")
        connection.execute("INSERT INTO whole VALUES (1)")
        with pytest.raises(psycopg.Error, match="cannot update table"):
            connection.execute("UPDATE whole SET id = 2")
        connection.execute(remedy)
        for table in tables:
            connection.execute(sql.SQL("UPDATE {} SET id = 3").format(sql.Identifier(table)))
    return look(source, target, "tables.generated-keys")


@shows({"tables.equality": "refused"})
def test_columns_whose_types_have_no_equality_are_named(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    run(
        source,
        "CREATE DOMAIN hidden AS xml",
        "CREATE TYPE pair_of AS (a int, b json)",
        "CREATE TYPE mood AS ENUM ('fine')",
        "CREATE TABLE arrays (x point[])",
        "CREATE TABLE rows (x pair_of)",
        "CREATE TABLE domains (x hidden)",
        "CREATE TABLE keyed (id int PRIMARY KEY, x json)",
        "CREATE TABLE well (a jsonb, b mood, c int[], d tstzrange, e varchar(3), f inet, g bytea,"
        " h name, i char, j oid, k numeric(3, 1), l bit varying, m int4multirange, n tsvector)",
    )
    for table in ("arrays", "rows", "domains", "keyed", "well"):
        with source.owner() as connection:
            connection.execute(
                sql.SQL("ALTER TABLE {} REPLICA IDENTITY FULL").format(sql.Identifier(table))
            )
    report = look(source, target, "tables.equality")
    assert report.verdicts[0].objects == ("public.arrays", "public.domains", "public.rows")
    assert "public.arrays (point[] has no equality)" in said(report)
    return report


@shows({"tables.scans": "warning"})
def test_a_large_table_without_an_index_would_slow_the_follower(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    for table in ("bare", "indexed"):
        with source.owner() as connection:
            name = sql.Identifier(table)
            for template in (
                "CREATE TABLE {} AS SELECT * FROM generate_series(1, 20000) AS x",
                "ALTER TABLE {} REPLICA IDENTITY FULL",
                "ANALYZE {}",
            ):
                connection.execute(sql.SQL(template).format(name))
    run(source, "CREATE INDEX ON indexed (x)")
    report = look(source, target, "tables.scans")
    assert report.verdicts[0].objects == ("public.bare",)
    return report


@shows({"tables.indexes": "warning"})
def test_an_index_that_was_never_finished_is_named(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    run(source, "CREATE TABLE t AS SELECT 1 AS x FROM generate_series(1, 2)")
    with source.owner() as connection, pytest.raises(Exception, match="could not create unique"):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY twice ON t (x)")
    return look(source, target, "tables.indexes")


@shows(
    {
        "contents.large-objects": "warning",
        "contents.unlogged-tables": "warning",
        "contents.foreign-tables": "warning",
        "contents.materialized-views": "warning",
        "contents.security-labels": "warning",
        "contents.event-triggers": "warning",
        "contents.firing-triggers": "warning",
        "configuration.settings": "warning",
        "features.superuser": "refused",
    }
)
def test_what_the_change_stream_does_not_carry_is_named(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    run(
        source,
        "SELECT lo_from_bytea(0, 'x')",
        'CREATE UNLOGGED TABLE "fleet;ing" AS SELECT 1 AS x',
        "CREATE MATERIALIZED VIEW seen AS SELECT 1 AS x",
        "CREATE TABLE t (id int PRIMARY KEY)",
        "CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER always BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fire()",
        "ALTER TABLE t ENABLE ALWAYS TRIGGER always",
    )
    run_as_superuser(
        source,
        "CREATE FOREIGN DATA WRAPPER elsewhere",
        "CREATE SERVER far FOREIGN DATA WRAPPER elsewhere",
        "CREATE FOREIGN TABLE public.away (x int) SERVER far",
        "CREATE FUNCTION public.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        'CREATE EVENT TRIGGER "on; ddl" ON ddl_command_end EXECUTE FUNCTION public.ddl()',
        "INSERT INTO pg_seclabel VALUES ('public.t'::regclass, 'pg_class'::regclass, 0, "
        "'selinux', 'secret')",
    )
    with source.superuser() as connection:
        connection.execute(
            sql.SQL('ALTER DATABASE {} SET search_path = app, "Odd; one", public').format(
                sql.Identifier(source.name)
            )
        )
    report = look(source, target)
    assert 'ALTER TABLE "public"."fleet;ing" SET LOGGED;' in said(report)
    assert 'ALTER EVENT TRIGGER "on; ddl" DISABLE;' in said(report)
    assert 'SET search_path = app, "Odd; one", public;' in said(report)
    assert "foreign-data wrapper elsewhere" in said(report)
    assert crashed(report) == []
    return report


@shows({"configuration.settings": "fine"})
def test_the_remedy_for_settings_makes_both_databases_alike(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with source.superuser() as connection:
        for setting in ("search_path = app, public", "\"TimeZone\" = 'Asia/Tokyo'"):
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET ").format(sql.Identifier(source.name))
                + sql.SQL(setting)
            )
    remedy = str(look(source, target, "configuration.settings").verdicts[0].remedy)
    with target.superuser() as connection:
        for statement in remedy.splitlines():
            connection.execute(statement)
    return look(source, target, "configuration.settings")


@shows({"contents.unlogged-tables": "refused"})
def test_what_takes_longer_than_the_pause_may_last_is_refused(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    run(
        source,
        "CREATE UNLOGGED TABLE cache AS SELECT repeat('x', 500) AS x"
        " FROM generate_series(1, 20000)",
    )
    return look(source, target, "contents.unlogged-tables", max_pause=0.1)


@shows({"features.version": "refused"})
def test_what_an_older_target_does_not_know_is_refused_by_name(
    make_database: Callable[[int], Made],
) -> Report:
    source, target = make_database(18), make_database(16)
    run(
        source,
        "CREATE EXTENSION IF NOT EXISTS plpgsql",
        "CREATE TABLE t (id int PRIMARY KEY, v int GENERATED ALWAYS AS (id * 2) VIRTUAL)",
        "ALTER TABLE t ADD CONSTRAINT lax CHECK (id > 0) NOT ENFORCED",
        "CREATE TABLE stays (a int4range, b tstzrange, PRIMARY KEY (a, b WITHOUT OVERLAPS))",
        "CREATE TABLE parts (id int GENERATED ALWAYS AS IDENTITY) PARTITION BY RANGE (id)",
        "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9)",
        "GRANT MAINTAIN ON t TO PUBLIC",
    )
    report = look(source, target, "features.version", allow_older_target=True)
    assert {found for verdict in report.verdicts for found in verdict.objects} == {
        "public.t.v",
        "lax on public.t",
        "stays_pkey on public.stays",
        "public.part.id",
        "public.t",
    }
    return report


@shows({"features.build": "refused"})
def test_a_target_that_was_built_without_libxml_takes_no_xml(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    run(source, "CREATE TABLE documents (id int PRIMARY KEY, body xml)")
    report = look(source, target, "features.build")
    assert report.verdicts[0].objects == ("public.documents.body",)
    return report


@shows({"activity.transactions": "warning", "activity.ddl": "warning"})
def test_who_holds_a_move_up_is_named(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> Report:
    source, target = pair
    monkeypatch.setattr("database_moves.preflight.checks.activity.LONG_SECONDS", 0.2)
    run(source, "CREATE TABLE t (id int PRIMARY KEY)")
    with source.owner() as connection, connection.transaction():
        connection.execute("SET application_name = 'mig; ration'")
        connection.execute("ALTER TABLE t ADD COLUMN x int")
        connection.execute("SELECT pg_sleep(0.3)")
        report = look(source, target, "activity.transactions", "activity.ddl")
        pid = connection.info.backend_pid
    assert f"pid {pid} of Owner, the \u00fc (mig; ration)" in said(report)
    assert "public.t" in said(report)
    return report


@shows({"programs.dump": "refused"})
def test_a_source_newer_than_any_pg_dump_at_hand_is_refused(pair: tuple[Made, Made]) -> Report:
    server = open_session(pair[0].as_database("source"))
    assert isinstance(server, Server)
    # No server is newer than all programs here, so the session says it is.
    server.facts = dataclasses.replace(server.facts, version=990_000)
    situation = Situation({"source": server}, {}, MoveOptions())
    report = Report("", "", tuple(judge(CHECKS["programs.dump"], situation)), 0)
    assert crashed(report) == []
    return report


@shows({"pooler.given": "warning"})
def test_without_a_pooler_clients_must_reconnect(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    report = look(source, target, "pooler.given")
    assert level_of(report, "pooler.given") == "warning"
    return report


@shows({"pooler.ready": "warning"})
def test_what_a_pooler_would_have_trouble_with_is_told(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    report = look(source, target, "pooler.ready", poolers=[Standing(doubts=("session mode",))])
    assert "session mode" in said(report)
    return report


@pytest.mark.parametrize(
    "pooler",
    [
        Standing(PoolerUnreachableError("nobody is there", remedy="start it")),
        Standing(PoolerState(paused=False, points_at="target")),
        Standing(PoolerState(paused=False, points_at=None)),
    ],
)
@shows({"pooler.ready": "refused"})
def test_a_pooler_that_could_not_lead_clients_to_the_target_is_refused(
    pair: tuple[Made, Made], pooler: Standing
) -> Report:
    source, target = pair
    return look(source, target, "pooler.ready", poolers=[pooler])
