"""The account of writes: it finds each kind of loss and doubling, and a sound run is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.workload import Workload
    from made import Made


@pytest.fixture
def written(
    make_database: Callable[[int], Made], make_workload: Callable[..., Workload]
) -> tuple[Made, Workload]:
    """A database that three clients have written to, and the clients, who have stopped."""
    made = make_database(16)
    workload = make_workload(direct=[made.owner_dsn] * 3, pace=0.001)
    workload.install(made.owner_dsn)
    with workload:
        workload.wait_for_writes(60)
    return made, workload


FAULTS = {
    "lost entry": "DELETE FROM workload.entries WHERE id = (SELECT max(id) FROM workload.entries)",
    "lost 1 of": "UPDATE workload.counters SET n = n - 1 WHERE client = 1",
    "lost churn": "UPDATE workload.churn SET sequence = sequence - 1 WHERE client = 2",
    "lost order": "DELETE FROM workload.lines WHERE client = 1; "
    "DELETE FROM workload.orders WHERE client = 1",
    "lost ticket": "DELETE FROM workload.tickets WHERE id = (SELECT min(id) FROM workload.tickets)",
    "is there 2 times": "INSERT INTO workload.entries (client, sequence, body) "
    "SELECT client, sequence, body FROM workload.entries LIMIT 1",
    "1 more are there": "UPDATE workload.counters SET n = n + 1 WHERE client = 0",
    "is not its last": "UPDATE workload.churn SET sequence = sequence + 1 WHERE client = 0",
    "in part there": "DELETE FROM workload.lines WHERE line = 2 AND client = 0",
    "another number": "UPDATE workload.tickets SET id = id + 100000 WHERE client = 0",
    "was never written": "INSERT INTO workload.tickets (client, sequence) VALUES (0, 9999999)",
}


def test_every_acknowledged_write_is_there_once_and_every_fault_is_told(
    written: tuple[Made, Workload],
) -> None:
    made, workload = written
    audit = workload.audit(made.superuser_dsn)
    assert audit.sound, audit
    assert audit.acknowledged >= 180
    assert (audit.unknown, audit.unknown_present, audit.errors_by_kind) == (0, 0, {})
    for found, statement in FAULTS.items():
        with made.superuser() as connection:
            connection.execute("SELECT 1")
            connection.autocommit = False
            connection.execute(statement.encode())
            connection.commit()
        audit = workload.audit(made.superuser_dsn)
        assert not audit.sound
        assert any(found in text for text in audit.lost + audit.doubled), (found, audit)


def test_a_lost_connection_leaves_writes_unknown_and_the_clients_go_on(
    make_database: Callable[[int], Made], make_workload: Callable[..., Workload]
) -> None:
    made = make_database(16)
    workload = make_workload(direct=[made.owner_dsn] * 3, pace=0.001)
    workload.install(made.owner_dsn)
    with workload, made.superuser() as connection:
        for _ in range(5):
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'writer %' AND datname = current_database()"
            )
            workload.wait_for_writes(10)
    audit = workload.audit(made.superuser_dsn)
    assert audit.sound, audit
    assert audit.unknown >= 5
    assert sum(audit.errors_by_kind.values()) >= 5
    assert 0 <= audit.unknown_present <= audit.unknown


def test_a_stall_is_measured_for_as_long_as_it_lasts(
    make_database: Callable[[int], Made], make_workload: Callable[..., Workload]
) -> None:
    made = make_database(16)
    workload = make_workload(direct=[made.owner_dsn] * 2)
    workload.install(made.owner_dsn)
    with workload, made.superuser() as connection:
        with connection.transaction():
            for table in ("entries", "counters", "churn", "orders", "tickets", "scratch"):
                connection.execute(
                    sql.SQL("LOCK TABLE {}").format(sql.Identifier("workload", table))
                )
            connection.execute("SELECT pg_sleep(1.5)")
        workload.wait_for_writes(2)
    audit = workload.audit(made.superuser_dsn)
    assert audit.sound, audit
    assert audit.longest_stall_seconds > 1.0


def test_direct_clients_follow_to_another_address(
    make_database: Callable[[int], Made], make_workload: Callable[..., Workload]
) -> None:
    first, second = make_database(16), make_database(16)
    workload = make_workload(direct=[first.owner_dsn] * 2)
    workload.install(first.owner_dsn)
    workload.install(second.owner_dsn)
    with workload:
        workload.point_direct_at(second.owner_dsn)
        workload.wait_for_writes(5)
    with second.owner() as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM workload.entries)"
            " + (SELECT sum(n) FROM workload.counters)"
            " + (SELECT count(*) FROM workload.churn) + (SELECT count(*) FROM workload.orders)"
            " + (SELECT count(*) FROM workload.tickets)"
        ).fetchone()
    assert row is not None
    assert int(str(row[0])) > 0
    # What was written before the switch is not there: the account must say so.
    assert workload.audit(second.superuser_dsn).lost
