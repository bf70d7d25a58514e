"""What is said of the source's database itself: its grants come with the cutover, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from move_journey import lets_in
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from made import Made
    from move_journey import Journey

pytestmark = pytest.mark.needs_pgbouncer

GRANTEE = "pg_monitor"


def may_connect(made: Made, database: str) -> bool:
    with made.superuser() as connection:
        query = "SELECT has_database_privilege(%s, %s, 'CONNECT')"
        row = connection.execute(query, (GRANTEE, database)).fetchone()
    assert row is not None
    return bool(row[0])


def test_grants_on_the_database_open_neither_the_target_nor_a_namesake_before_the_cutover(
    make_journey: Callable[[int, int], Journey],
) -> None:
    journey = make_journey(16, 18)
    source, target = journey.source, journey.target
    name = sql.Identifier(source.name)
    with source.superuser() as connection:
        for statement in (
            "REVOKE CONNECT ON DATABASE {} FROM PUBLIC",
            f"GRANT CONNECT, TEMPORARY ON DATABASE {{}} TO {GRANTEE}",
            "COMMENT ON DATABASE {} IS 'the one that is left'",
        ):
            connection.execute(sql.SQL(statement).format(name))
    with psycopg.connect(target.server.superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(name))
            journey.workload.start()
            moved = journey.move("--cutover", "manual")
            assert moved.code == 0, moved
            assert not may_connect(target, target.name)
            assert not lets_in(target)
            done = journey.command("cutover")
            assert done.code == 0, done
            assert may_connect(target, target.name)
            assert lets_in(target)
            assert not may_connect(target, source.name)
            query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
            assert {row[0] for row in connection.execute(query)} & {"the one that is left"} == set()
            audit = journey.account()
            assert (audit.lost, audit.doubled, audit.pooler_errors) == ((), (), ())
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
