"""Movers' logins against a real PostgreSQL with TLS: who is not who it says is not spoken to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from catalog import names
from catalog.load import find_root, load
from database_moves.database import Database
from database_moves.replication import subscriptions
from tenant_moves.aws_logins import Logins
from tests.database_moves.kit.debian import DebianPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.needs_debian_postgresql

CATALOG = load(find_root())
PASSWORD = 'p\'w "x" %41@:/$;ü'
HOST = "prod-eu-west-1-pool-a.cluster-abc.eu-west-1.rds.amazonaws.com"


class OneSecret:
    """Secrets Manager with the one secret that is to be asked for."""

    class exceptions:  # noqa: N801 - as boto3 has it
        ResourceNotFoundException = LookupError

    def client(self, service: str, account: str, region: str) -> Any:
        assert (service, region) == ("secretsmanager", "eu-west-1")
        return self

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - as boto3 has it
        assert SecretId == names.mover_secret(CATALOG.cells["prod-eu-west-1"], "pool-a")
        return {"SecretString": PASSWORD}

    def rclone(self, account: str, region: str) -> dict[str, str]:
        raise NotImplementedError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianPostgres]:
    server = DebianPostgres(tmp_path_factory.mktemp("debian"))
    try:
        server.start()
        with psycopg.connect(server.server.superuser_dsn, autocommit=True) as session:
            literal = psycopg.sql.Literal(PASSWORD)
            statement = "CREATE ROLE patchworks_mover SUPERUSER LOGIN PASSWORD {}"
            session.execute(psycopg.sql.SQL(statement).format(literal))
            session.execute("CREATE DATABASE follower")
        yield server
    finally:
        server.stop()


@pytest.fixture
def dsn(server: DebianPostgres) -> str:
    """What a mover logs in with, led to this machine; the name it asks for stays."""
    given = Logins(CATALOG, OneSecret()).dsn(HOST, server.server.port)
    return make_conninfo(given, hostaddr="127.0.0.1")


def test_a_server_of_another_name_or_authority_is_not_told_the_password(
    server: DebianPostgres, dsn: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"root certificate|certificate verify"):
        psycopg.connect(dsn)
    trusted = make_conninfo(dsn, sslrootcert=str(server.authority))
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        psycopg.connect(trusted)
    with psycopg.connect(make_conninfo(trusted, host="localhost")) as session:
        query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert session.execute(query).fetchone() == (True,)


def test_a_server_that_dials_verifies_by_a_file_of_its_own(
    server: DebianPostgres, dsn: str
) -> None:
    ours = make_conninfo(dsn, host="localhost", sslrootcert=str(server.authority))
    for theirs, well in ((str(server.directory / "nothing.pem"), False), ("authority.pem", True)):
        # A server's own paths begin in its data.
        path = server.directory / "data" / theirs
        if well:
            path.write_text(server.authority.read_text())
            path.chmod(0o644)
        publisher = Database(ours, "source", {"sslrootcert": theirs})
        with publisher.session("test") as session:
            conninfo = subscriptions.conninfo_of(publisher, session, "stream")
        given = conninfo_to_dict(conninfo)
        assert (given["sslmode"], given["sslrootcert"]) == ("verify-full", theirs)
        follower = Database(make_conninfo(ours, dbname="follower"), "target")
        if not well:
            with pytest.raises(Exception, match=r"root certificate.*does not exist"):
                subscriptions.create(follower, "stream", conninfo, enabled=False)
            continue
        subscriptions.create(follower, "stream", conninfo, enabled=False)
        with follower.session("test") as session:
            assert subscriptions.drop(session, "stream")
