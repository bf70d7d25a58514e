"""Preflight with Debian's PostgreSQL 15, which has TLS, ICU and stricter subscriptions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from made import MOVER, MOVER_PASSWORD, OWNER, Made
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database_moves.database import Database
from database_moves.options import MoveOptions
from database_moves.preflight import Report, preflight
from tests.database_moves.kit.debian import DebianPostgres
from tests.database_moves.preflight_levels import crashed, look, said, shows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUPERUSER = 'mover "super"; \''


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianPostgres]:
    debian = DebianPostgres(tmp_path_factory.mktemp("debian"), 15)
    try:
        debian.start()
        _prepare(debian)
        yield debian
    finally:
        debian.stop()


@pytest.fixture
def older(debian: DebianPostgres) -> Made:
    return Made(debian.server, "first")


@pytest.fixture
def empty(debian: DebianPostgres) -> Made:
    return Made(debian.server, "second")


def _prepare(debian: DebianPostgres) -> None:
    owner, mover, superuser = (sql.Identifier(role) for role in (OWNER, MOVER, SUPERUSER))
    with psycopg.connect(debian.server.superuser_dsn, autocommit=True) as connection:
        for template in (
            "CREATE ROLE {owner} LOGIN",
            "CREATE ROLE {mover} LOGIN REPLICATION PASSWORD {password}",
            "CREATE ROLE {superuser} LOGIN SUPERUSER PASSWORD {password}",
            "GRANT {owner}, pg_monitor TO {mover}",
            "CREATE DATABASE first OWNER {owner}",
            "CREATE DATABASE second OWNER {owner}",
        ):
            connection.execute(
                sql.SQL(template).format(
                    owner=owner, mover=mover, superuser=superuser, password=MOVER_PASSWORD
                )
            )


def as_superuser(made: Made, **parameters: str) -> str:
    return make_conninfo(made.dsn(SUPERUSER, MOVER_PASSWORD), **parameters)


@shows(
    {
        "privileges.subscription": "refused",
        "connection.dial-target": "warning",
        "encoding.locale": "warning",
        "connection.dial-source": "fine",
        "privileges.owners": "fine",
    }
)
def test_from_version_15_a_role_that_is_no_superuser_has_no_way_back(
    older: Made, make_database: Callable[[int], Made]
) -> Report:
    target = make_database(18)
    report = look(older, target)
    one_way = look(older, target, "privileges.subscription", rollback=False)
    assert "only a superuser may create a subscription" in said(report)
    assert "icu en-US on the source, libc C.UTF-8/C.UTF-8 on the target" in said(report)
    assert not one_way.refused
    assert crashed(report) == []
    return report


@shows(
    {
        "privileges.subscription": "fine",
        "connection.dial-target": "fine",
        "connection.dial-source": "fine",
        "server.version": "warning",
    }
)
def test_a_superuser_may_move_to_version_15_and_back(
    empty: Made, make_database: Callable[[int], Made]
) -> Report:
    source = make_database(16)
    report = preflight(
        source.as_database("source"),
        Database(as_superuser(empty), "target"),
        MoveOptions(allow_older_target=True),
        sample_seconds=0.1,
    )
    assert crashed(report) == []
    assert not report.refused
    return report


@shows({"connection.encryption": "warning"})
def test_a_certificate_that_nobody_verifies_is_told(older: Made, empty: Made) -> Report:
    dsn = as_superuser(empty, host="db.example", hostaddr="127.0.0.1", sslmode="require")
    return preflight(
        Database(as_superuser(older), "source"),
        Database(dsn, "target"),
        MoveOptions(),
        only=["connection.encryption"],
    )


@shows({"connection.encryption": "fine", "connection.dial-target": "fine"})
def test_a_verified_certificate_is_fine(debian: DebianPostgres, older: Made, empty: Made) -> Report:
    with older.superuser() as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    # The server reads it too, and its data are what it surely may read.
    path = Path(str(row[0])) / "shared.pem"
    shutil.copyfile(debian.authority, path)
    dsn = as_superuser(empty, sslmode="verify-full", sslrootcert=str(path))
    return preflight(
        Database(as_superuser(older), "source"),
        Database(dsn, "target"),
        MoveOptions(),
        only=["connection.encryption", "connection.dial-target"],
    )


@shows({"connection.dial-target": "refused"})
def test_an_authority_that_only_the_mover_has_is_refused(
    debian: DebianPostgres, older: Made, empty: Made, monkeypatch: pytest.MonkeyPatch
) -> Report:
    # The server's own directory is another, so there it is not found.
    monkeypatch.chdir(debian.directory)
    dsn = as_superuser(empty, sslmode="verify-full", sslrootcert=debian.authority.name)
    report = preflight(
        Database(as_superuser(older), "source"),
        Database(dsn, "target"),
        MoveOptions(),
        only=["connection.dial-target"],
    )
    assert 'root certificate file "authority.pem" does not exist' in said(report)
    assert "a file that it can read" in said(report)
    return report


@shows({"connection.reachable": "refused"})
def test_a_certificate_of_another_host_is_refused(
    debian: DebianPostgres, older: Made, empty: Made
) -> Report:
    dsn = as_superuser(
        empty,
        host="db.example",
        hostaddr="127.0.0.1",
        sslmode="verify-full",
        sslrootcert=str(debian.authority),
    )
    report = preflight(
        Database(as_superuser(older), "source"), Database(dsn, "target"), MoveOptions()
    )
    assert "sslrootcert" in str(report.verdicts[0].remedy)
    return report


@shows({"connection.dial-source": "refused"})
def test_a_server_that_can_use_no_tls_is_told_apart_from_one_that_is_not_reached(
    older: Made, make_database: Callable[[int], Made]
) -> Report:
    report = preflight(
        Database(as_superuser(older, sslmode="require"), "source"),
        make_database(18).as_database("target"),
        MoveOptions(),
        only=["connection.dial-source"],
    )
    assert "that server can use no TLS" in said(report)
    assert "pw_preflight_" not in said(report)
    return report
