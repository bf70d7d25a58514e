"""Preflight, against real servers: text, other streams, and how much the source writes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psycopg
from made import OWNER, Made
from psycopg import sql

from database_moves.options import MoveOptions
from database_moves.preflight import Report, preflight
from tests.database_moves.preflight_levels import level_of, look, said, shows

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


@shows({"encoding.encoding": "refused", "encoding.locale": "warning"})
def test_databases_that_store_or_order_text_otherwise_are_told(
    pair: tuple[Made, Made],
) -> Report:
    source, target = pair
    other = Made(target.server, "latin")
    with target.superuser() as connection:
        connection.execute(
            sql.SQL(
                "CREATE DATABASE latin OWNER {} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
            ).format(sql.Identifier(OWNER))
        )
        try:
            report = look(source, other, "encoding.encoding", "encoding.locale")
        finally:
            connection.execute("DROP DATABASE latin WITH (FORCE)")
    assert "ENCODING 'UTF8'" in said(report)
    return report


def test_the_remedy_for_another_order_makes_a_database_that_orders_alike(
    make_database: Callable[[int], Made],
) -> None:
    target = make_database(18)
    source = Made(target.server, "built in")
    with psycopg.connect(target.server.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                """CREATE DATABASE "built in" OWNER {} LOCALE_PROVIDER builtin """
                "BUILTIN_LOCALE 'C.UTF-8' TEMPLATE template0"
            ).format(sql.Identifier(OWNER))
        )
        try:
            report = look(source, target, "encoding.locale")
            assert level_of(report, "encoding.locale") == "warning"
            remedy = next(v.remedy for v in report.verdicts if v.check == "encoding.locale")
            assert remedy is not None
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(target.name))
            )
            connection.execute(remedy.encode())
            assert level_of(look(source, target, "encoding.locale"), "encoding.locale") == "fine"
        finally:
            connection.execute('DROP DATABASE "built in" WITH (FORCE)')


@shows({"encoding.version": "warning"})
def test_indexes_of_another_version_of_the_library_are_told(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with source.superuser() as connection:
        connection.execute(
            "UPDATE pg_database SET datcollversion = '2.1' WHERE datname = current_database()"
        )
    report = look(source, target, "encoding.version")
    assert "REFRESH COLLATION VERSION" in said(report)
    assert "REINDEX DATABASE" in said(report)
    return report


@shows({"encoding.collations": "refused"})
def test_a_collation_that_the_target_lacks_is_refused(pair: tuple[Made, Made]) -> Report:
    target, source = pair
    with source.owner() as connection:
        connection.execute('CREATE TABLE public.t (x text COLLATE "pg_c_utf8")')
    report = look(source, target, "encoding.collations")
    assert report.verdicts[0].objects == ("pg_c_utf8",)
    return report


@shows({"replication.other-slots": "warning", "replication.chained": "refused"})
def test_others_slots_and_subscriptions_of_the_source_are_named(
    pair: tuple[Made, Made],
) -> Report:
    source, target = pair
    with source.superuser() as connection:
        connection.execute("SELECT pg_create_logical_replication_slot('debezium', 'pgoutput')")
        connection.execute(
            "CREATE SUBSCRIPTION upstream CONNECTION 'host=nowhere' PUBLICATION p "
            "WITH (connect = false)"
        )
    report = look(source, target, "replication.other-slots", "replication.chained")
    assert "pg_drop_replication_slot('debezium')" in said(report)
    assert 'DROP SUBSCRIPTION "upstream"' in said(report)
    return report


@shows({"replication.publications": "warning"})
def test_a_publication_that_only_a_superuser_can_make_is_told(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with source.superuser() as connection:
        connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    return look(source, target, "replication.publications")


@shows({"size.kept-wal": "refused"})
def test_a_source_that_keeps_too_little_wal_for_the_move_is_refused(
    pair: tuple[Made, Made],
) -> Report:
    source, target = pair
    with source.superuser() as connection:
        connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        connection.execute("SELECT pg_reload_conf(), pg_sleep(0.3)")
        try:
            return writing(source, target, "size.kept-wal", rate_limit=1_000_000)
        finally:
            connection.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
            connection.execute("SELECT pg_reload_conf()")


@shows({"size.time": "warning"})
def test_a_source_that_writes_more_than_one_applier_takes_is_told(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> Report:
    # What a busy machine writes as well.
    monkeypatch.setattr("database_moves.preflight.checks.sizes.APPLY_BYTES", 1_000_000)
    source, target = pair
    return writing(source, target, "size.time")


def writing(source: Made, target: Made, check: str, **options: int) -> Report:
    """A preflight while the source writes tens of megabytes of WAL."""
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        with source.owner() as connection:
            while not stop.wait(0.02):
                connection.execute(
                    "SELECT pg_logical_emit_message(false, 'x', repeat('x', 4000000))"
                )
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(60)
        return preflight(
            source.as_database("source"),
            target.as_database("target"),
            MoveOptions.model_validate(options),
            only=[check],
        )
    finally:
        stop.set()
        writer.join()


def test_a_limit_of_wal_that_suffices_is_told_with_what_is_needed(
    pair: tuple[Made, Made],
) -> None:
    source, target = pair
    with source.superuser() as connection:
        connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '200GB'")
        connection.execute("SELECT pg_reload_conf(), pg_sleep(0.3)")
        try:
            report = look(source, target, "size.kept-wal")
        finally:
            connection.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
            connection.execute("SELECT pg_reload_conf()")
    assert level_of(report, "size.kept-wal") == "fine"
    assert "204800 MiB" in said(report)
