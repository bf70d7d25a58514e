"""Preflight, against real servers: can a move go between these two at all?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from made import OWNER, Made, prepare
from psycopg import sql

from rehearsal.servers.postgresql import PostgresqlServers
from tests.database_moves.preflight_levels import crashed, look, said, shows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from database_moves.preflight import Report

MEAGRE = {
    "wal_level": "replica",
    "max_replication_slots": "0",
    "max_wal_senders": "1",
    "max_logical_replication_workers": "0",
    "max_worker_processes": "0",
    "max_connections": "12",
    "max_prepared_transactions": "5",
    "allow_in_place_tablespaces": "on",
}


@pytest.fixture(scope="module")
def meagre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A database on a server that has next to nothing of what replication takes."""
    servers = PostgresqlServers(tmp_path_factory.mktemp("meagre"))
    name = f"meagre-{os.getpid()}"
    server = servers.ensure(name, "16.0")
    prepare(server)
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        for setting, value in MEAGRE.items():
            connection.execute(
                sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(setting), value)
            )
        connection.execute(sql.SQL("CREATE DATABASE m OWNER {}").format(sql.Identifier(OWNER)))
    servers.stop()
    yield Made(servers.ensure(name, "16.0"), "m")
    servers.stop()


@shows(
    {
        "replication.wal-level": "refused",
        "replication.slots": "refused",
        "replication.senders": "refused",
        "replication.workers": "refused",
        "replication.processes": "refused",
        "replication.origins": "refused",
        "limits.connections": "warning",
    }
)
def test_a_server_that_is_not_set_up_for_replication_is_refused_with_every_setting(
    meagre: Made, make_database: Callable[[int], Made]
) -> Report:
    report = look(meagre, make_database(18))
    for setting in (
        "wal_level = 'logical'",
        "rds.logical_replication = 1",
        "max_replication_slots = 10",
        "max_wal_senders = 10",
        "max_logical_replication_workers = 10",
        "max_worker_processes = 10",
    ):
        assert setting in said(report)
    return report


def test_without_a_way_back_the_target_needs_no_logical_wal(
    meagre: Made, make_database: Callable[[int], Made]
) -> None:
    checks = ("replication.wal-level", "replication.slots", "replication.senders")
    source = make_database(16)
    with_way_back = look(source, meagre, *checks)
    without = look(source, meagre, *checks, rollback=False)
    assert {verdict.level for verdict in with_way_back.verdicts} == {"refused"}
    assert {verdict.level for verdict in without.verdicts} == {"fine"}


@shows({"activity.prepared": "refused"})
def test_a_prepared_transaction_is_refused_with_what_ends_it(
    meagre: Made, make_database: Callable[[int], Made]
) -> Report:
    with meagre.owner() as connection:
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE t (x int)")
        connection.execute("PREPARE TRANSACTION 'it''s \u00fc'")
        try:
            report = look(meagre, make_database(18), "activity.prepared")
        finally:
            connection.execute("ROLLBACK PREPARED 'it''s \u00fc'")
    assert "ROLLBACK PREPARED 'it''s \u00fc'" in said(report)
    return report


@shows({"contents.tablespaces": "warning"})
def test_a_tablespace_that_the_target_lacks_is_named(
    meagre: Made, make_database: Callable[[int], Made]
) -> Report:
    with meagre.superuser() as connection:
        connection.execute("CREATE TABLESPACE \"Fast; Disk\" LOCATION ''")
        connection.execute('CREATE TABLE kept (x int) TABLESPACE "Fast; Disk"')
        try:
            report = look(meagre, make_database(18), "contents.tablespaces")
        finally:
            connection.execute("DROP TABLE kept")
            connection.execute('DROP TABLESPACE "Fast; Disk"')
    assert 'CREATE TABLESPACE "Fast; Disk"' in said(report)
    return report


@shows({"server.writable": "refused", "connection.dial-source": "warning"})
def test_a_standby_is_refused_and_breaks_no_check(
    tmp_path: Path, make_database: Callable[[int], Made]
) -> Report:
    servers = PostgresqlServers(tmp_path)
    try:
        server = servers.ensure(f"standby-{os.getpid()}", "16.0")
        prepare(server)
        with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE s OWNER {}").format(sql.Identifier(OWNER)))
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        servers.stop()
        (Path(str(row[0])) / "standby.signal").touch()
        standby = Made(servers.ensure(server.cluster, "16.0"), "s")
        report = look(standby, make_database(18))
    finally:
        servers.stop()
    assert crashed(report) == []
    return report


@shows({"server.writable": "refused"})
def test_a_database_that_is_read_only_by_default_is_refused(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with target.superuser() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(
                sql.Identifier(target.name)
            )
        )
    report = look(source, target, "server.writable")
    assert "RESET default_transaction_read_only" in said(report)
    return report


@shows({"server.version": "refused"})
def test_an_older_target_is_refused(pair: tuple[Made, Made]) -> Report:
    target, source = pair
    return look(source, target, "server.version")


@shows({"server.version": "warning"})
def test_an_older_target_is_allowed_on_purpose(pair: tuple[Made, Made]) -> Report:
    target, source = pair
    return look(source, target, "server.version", allow_older_target=True)


@shows({"server.different": "refused"})
def test_a_database_is_not_moved_onto_itself_whatever_name_leads_to_it(
    make_database: Callable[[int], Made],
) -> Report:
    made = make_database(16)
    same = Made(made.server, made.name)
    object.__setattr__(same, "server", made.server)
    return look(made, same, "server.different")


@shows({"server.clock": "warning"})
def test_clocks_that_differ_are_told_since_lag_in_seconds_would_be_wrong(
    pair: tuple[Made, Made],
) -> Report:
    source, target = pair
    with target.superuser() as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz "
            "LANGUAGE sql AS 'SELECT statement_timestamp() + interval ''90 seconds'''"
        )
    report = look(source, target, "server.clock")
    assert "90.0 s ahead" in said(report)
    return report


@shows({"server.timeouts": "warning"})
def test_a_timer_that_would_cut_the_stream_is_told(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with source.superuser() as connection:
        connection.execute("ALTER ROLE ALL SET wal_sender_timeout = '2s'")
        try:
            return look(source, target, "server.timeouts")
        finally:
            connection.execute("ALTER ROLE ALL RESET ALL")


@shows({"server.timeouts": "refused"})
def test_a_server_that_drops_idle_slots_is_refused(make_database: Callable[[int], Made]) -> Report:
    source, target = make_database(18), make_database(18)
    with source.superuser() as connection:
        connection.execute("ALTER SYSTEM SET idle_replication_slot_timeout = '1h'")
        connection.execute("SELECT pg_reload_conf(), pg_sleep(0.3)")
        try:
            return look(source, target, "server.timeouts")
        finally:
            connection.execute("ALTER SYSTEM RESET idle_replication_slot_timeout")
            connection.execute("SELECT pg_reload_conf()")


@shows({"server.replication-role": "warning"})
def test_sessions_that_fire_no_triggers_are_told(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with source.superuser() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET session_replication_role = 'replica'").format(
                sql.Identifier(source.name)
            )
        )
    return look(source, target, "server.replication-role")


@shows({"target.empty": "refused"})
def test_a_target_with_something_in_it_is_refused_by_name(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with target.owner() as connection:
        connection.execute('CREATE SCHEMA "Left; over"')
        connection.execute("CREATE TABLE public.rows (x int)")
        connection.execute("CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        connection.execute("CREATE TYPE public.mood AS ENUM ('fine')")
    report = look(source, target, "target.empty")
    assert report.verdicts[0].objects == (
        'schema "Left; over"',
        "table public.rows",
        "function public.f()",
        "type public.mood",
    )
    return report


@shows({"target.empty": "fine"})
def test_extensions_and_the_moves_own_schema_leave_a_target_empty(
    pair: tuple[Made, Made],
) -> Report:
    source, target = pair
    with target.superuser() as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE SCHEMA patchworks_moves")
        connection.execute("CREATE TABLE patchworks_moves.gate (x int)")
    return look(source, target, "target.empty")


@shows({"target.publications": "warning", "target.subscriptions": "refused"})
def test_streams_that_the_target_has_already_are_named(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with target.superuser() as connection:
        connection.execute('CREATE PUBLICATION "All; of it" FOR ALL TABLES')
        connection.execute(
            "CREATE SUBSCRIPTION elsewhere CONNECTION 'host=nowhere' PUBLICATION p "
            "WITH (connect = false)"
        )
    report = look(source, target, "target.publications", "target.subscriptions")
    assert 'DROP PUBLICATION "All; of it";' in said(report)
    return report
