"""Preflight, against real servers: can each side be reached, and by whom?"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made import MOVER, MOVER_PASSWORD, OWNER, OWNER_PASSWORD
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database_moves.database import Database
from database_moves.options import MoveOptions
from database_moves.preflight import Report, preflight
from database_moves.preflight.reaching import open_session
from database_moves.preflight.registry import CHECKS
from database_moves.preflight.running import judge
from database_moves.preflight.situation import Server, Situation
from tests.database_moves.preflight_levels import look, said, shows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from made import Made


class Gate:
    """A port in front of a server that lets sessions through until it is shut."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def shut(self) -> None:
        """Let nobody in any more; who is in stays."""
        # A thread in accept() keeps a closed socket listening.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._behind)
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    finally:
        for end in (one, other):
            end.close()


@pytest.fixture
def gate(pair: tuple[Made, Made]) -> Iterator[Gate]:
    source, _ = pair
    gate = Gate(source.server.host, source.server.port)
    yield gate
    with contextlib.suppress(OSError):
        gate.shut()


def through(gate: Gate, made: Made) -> Database:
    return Database(make_conninfo(made.mover_dsn, port=gate.port), "source")


def situation(*databases: Database) -> Situation:
    servers = {}
    for database in databases:
        server = open_session(database)
        assert isinstance(server, Server), server
        servers[database.side] = server
    return Situation(servers, {}, MoveOptions())


@shows({"connection.reachable": "refused"})
def test_the_faults_of_both_sides_come_in_one_run(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    report = preflight(
        Database(source.dsn(MOVER, "not 'it"), "source"),
        Database(make_conninfo(target.mover_dsn, dbname="no such \u00fc"), "target"),
        MoveOptions(),
    )
    first, second, *_ = report.verdicts
    assert "password authentication failed" in first.message
    assert "user and the password" in str(first.remedy)
    assert 'database "no such \u00fc" does not exist' in second.message
    assert "privileges.owners" in first.objects
    assert {verdict.check for verdict in report.verdicts} == {
        "connection.reachable",
        "pooler.given",
        "pooler.ready",
    }
    return report


def test_what_one_side_is_enough_for_is_checked_without_the_other(
    pair: tuple[Made, Made],
) -> None:
    source, target = pair
    with source.owner() as connection:
        connection.execute("CREATE TABLE keyless (x int)")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    report = preflight(
        source.as_database("source"),
        Database(make_conninfo(target.mover_dsn, port=port), "target"),
        MoveOptions(),
    )
    checks = {verdict.check: verdict for verdict in report.verdicts}
    assert "Connection refused" in checks["connection.reachable"].message
    assert checks["tables.replica-identity"].objects == ("public.keyless",)
    assert set(checks) | set(checks["connection.reachable"].objects) == set(CHECKS)


def test_a_connection_string_that_cannot_be_parsed_is_not_quoted(
    pair: tuple[Made, Made],
) -> None:
    source, _ = pair
    report = preflight(
        source.as_database("source"),
        Database("host=localhost password=half ofASecret user=x", "target"),
        MoveOptions(),
    )
    assert "cannot be parsed" in said(report)
    assert "ofASecret" not in said(report) + report.target


def test_tls_that_the_server_does_not_offer_is_named(pair: tuple[Made, Made]) -> None:
    source, target = pair
    wanted = Database(make_conninfo(source.mover_dsn, sslmode="require"), "source")
    report = preflight(wanted, target.as_database("target"), MoveOptions())
    assert "does not support SSL" in report.verdicts[0].message
    assert "turn on ssl" in str(report.verdicts[0].remedy)


@shows({"connection.encryption": "warning"})
def test_a_session_with_another_machine_should_be_encrypted(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    dsn = make_conninfo(source.mover_dsn, host="db.example", hostaddr="127.0.0.1")
    return preflight(
        Database(dsn, "source"),
        target.as_database("target"),
        MoveOptions(),
        only=["connection.encryption"],
    )


@shows({"connection.dial-source": "refused"})
def test_a_source_that_the_targets_server_cannot_reach_is_refused(
    pair: tuple[Made, Made], gate: Gate
) -> Report:
    source, target = pair
    both = situation(through(gate, source), target.as_database("target"))
    gate.shut()
    verdicts = judge(CHECKS["connection.dial-source"], both)
    assert "the target's server cannot reach the source" in verdicts[0].message
    assert "Connection refused" in verdicts[0].message
    assert MOVER_PASSWORD not in repr(verdicts)
    return Report("", "", tuple(verdicts), 0)


@shows({"connection.dial-target": "refused"})
def test_for_the_way_back_the_sources_server_must_reach_the_target(
    pair: tuple[Made, Made],
) -> Report:
    target, source = pair
    gate = Gate(target.server.host, target.server.port)
    near = Database(make_conninfo(target.mover_dsn, port=gate.port), "target")
    both = situation(source.as_database("source"), near)
    gate.shut()
    return Report("", "", tuple(judge(CHECKS["connection.dial-target"], both)), 0)


def test_a_silent_network_is_given_up_and_named(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    monkeypatch.setattr("database_moves.preflight.dialling.SECONDS", 1)
    both = situation(source.as_database("source"), target.as_database("target"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        object.__setattr__(
            both.source.database,
            "dsn",
            make_conninfo(source.mover_dsn, port=silent.getsockname()[1]),
        )
        verdicts = judge(CHECKS["connection.dial-source"], both)
    assert "no answer within 1 s" in verdicts[0].message


@pytest.mark.parametrize("verdict", ["reached", "failed"])
def test_a_dial_leaves_no_trace_and_no_password_in_the_servers_log(
    pair: tuple[Made, Made], gate: Gate, verdict: str
) -> None:
    source, target = pair
    settings = {
        "log_statement": "all",
        "log_min_error_statement": "debug5",
        "log_min_duration_statement": "0",
        "log_parameter_max_length": "-1",
        "log_parameter_max_length_on_error": "-1",
        "log_error_verbosity": "verbose",
        "log_min_messages": "info",
    }
    with target.superuser() as connection:
        for setting, value in settings.items():
            connection.execute(
                sql.SQL("ALTER ROLE ALL SET {} = {}").format(
                    sql.Identifier(setting), sql.Literal(value)
                )
            )
        try:
            both = situation(through(gate, source), target.as_database("target"))
            if verdict == "failed":
                gate.shut()
            level = judge(CHECKS["connection.dial-source"], both)[0].level
        finally:
            connection.execute("ALTER ROLE ALL RESET ALL")
        left = connection.execute("SELECT count(*) FROM pg_subscription").fetchone()
    assert level == ("fine" if verdict == "reached" else "refused")
    assert left == (0,)
    log = _log(target)
    assert "CREATE SUBSCRIPTION %I" in log, "the log was not as loud as this test needs"
    secret = re.compile("|".join(map(re.escape, (MOVER_PASSWORD[:9], MOVER_PASSWORD[-5:]))))
    assert not secret.search(log)
    assert MOVER_PASSWORD.encode().hex() not in log
    with source.superuser() as connection:
        slots = connection.execute(
            "SELECT count(*) FROM pg_replication_slots WHERE database = %s", (source.name,)
        ).fetchone()
    assert slots == (0,)


@shows({"connection.password-in-log": "warning", "connection.dial-source": "warning"})
def test_a_server_that_audits_ddl_is_not_shown_the_password(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with target.superuser() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET pgaudit.log = 'read, DDL'").format(
                sql.Identifier(target.name)
            )
        )
    report = look(source, target, "connection.password-in-log", "connection.dial-source")
    assert "pgaudit.log = read, DDL" in said(report)
    assert "SET pgaudit.log = 'none'" in said(report)
    return report


@shows({"privileges.replication": "refused"})
def test_a_role_without_replication_gets_the_statement_that_gives_it(
    pair: tuple[Made, Made],
) -> Report:
    source, target = pair
    report = preflight(
        Database(source.dsn(OWNER, OWNER_PASSWORD), "source"),
        target.as_database("target"),
        MoveOptions(rollback=False),
        only=["privileges.replication"],
    )
    remedy = str(report.verdicts[0].remedy)
    assert 'ALTER ROLE "Owner, the \u00fc" REPLICATION;' in remedy
    assert 'GRANT rds_replication TO "Owner, the \u00fc"' in remedy
    return report


def _log(made: Made) -> str:
    """What the server has logged; its log lies beside its data."""
    with made.superuser() as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return (Path(str(row[0])).parent / "server.log").read_text(errors="replace")


def test_a_pause_between_two_answers_is_not_taken_for_a_wrong_clock(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    found = situation(source.as_database("source"), target.as_database("target"))
    for before, at_target, after, ahead in (
        (100.0, 104.9, 105.0, 0.0),
        (100.0, 100.1, 105.0, 0.0),
        (100.0, 107.0, 100.5, 6.5),
        (100.0, 95.0, 100.5, -5.0),
    ):
        answers = {"source": iter([before, after]), "target": iter([at_target])}
        monkeypatch.setattr(Server, "value", lambda self, _, a=answers: next(a[self.side]))
        assert found.clock_difference() == pytest.approx(ahead)
