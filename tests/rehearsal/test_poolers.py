"""Real PgBouncers by the pods' own configuration: started, found, kept where they lead, stopped."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from components.kubernetes.pooler_config import PooledDatabase, configuration, user_list
from rehearsal.local_cloud import LocalCloud
from rehearsal.servers import process

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs_pgbouncer

PASSWORD = 'p\'w "x" %41@:/$;ü'


def test_a_pooler_leads_to_its_database_and_outlives_the_command(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path / "state")
    server = cloud.postgresql.ensure("cell-pool-a", "16.8")
    with psycopg.connect(server.superuser_dsn, autocommit=True) as session:
        session.execute(sql.SQL("CREATE ROLE acme_app LOGIN PASSWORD {}").format(PASSWORD))
        session.execute("CREATE DATABASE acme OWNER acme_app")
    entry = PooledDatabase(
        name="acme", host=server.host, port=server.port, database="acme", role="acme_app"
    )
    files = {
        "configuration": configuration((entry,), 20),
        "users": user_list({"acme_app": PASSWORD}),
    }
    try:
        first = cloud.poolers.ensure("cell", "acme", **files)
        with psycopg.connect(first.dsn("acme", "acme_app", PASSWORD)) as session:
            assert session.execute("SELECT current_database()").fetchone() == ("acme",)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(first.dsn("acme", "acme_app", "another"))
        assert PASSWORD not in repr(first) + (first.config).read_text()
        assert first.config.with_name("users.txt").stat().st_mode & 0o077 == 0

        # Where a move has led it is kept, whatever the stack says meanwhile.
        elsewhere = files | {"configuration": files["configuration"].replace("dbname='acme'", "x")}
        again = LocalCloud(tmp_path / "state").poolers.ensure("cell", "acme", **elsewhere)
        assert (again.port, again.config.read_text()) == (first.port, first.config.read_text())
        assert cloud.poolers.cells("acme") == ["cell"]

        assert cloud.poolers.stop() == 1
        assert cloud.poolers.find("cell", "acme") is None
        cloud.poolers.start()
        found = cloud.poolers.find("cell", "acme")
        assert found is not None
        assert found.port == first.port
        cloud.poolers.remove("cell", "acme")
        assert cloud.poolers.cells("acme") == []
    finally:
        cloud.stop()


@pytest.mark.parametrize("unseen", [False, True])
def test_a_pooler_whose_port_was_taken_meanwhile_comes_back_on_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unseen: bool
) -> None:
    cloud = LocalCloud(tmp_path / "state")
    entry = PooledDatabase(name="a", host="127.0.0.1", port=1, database="a", role="a_app")
    files = {"configuration": configuration((entry,), 20), "users": user_list({"a_app": PASSWORD})}
    try:
        first = cloud.poolers.ensure("cell", "acme", **files)
        cloud.poolers.stop()
        begun = process.start

        def begin_unseen(*command: Any, **given: Any) -> None:
            """As where it had ended before anybody looked."""
            monkeypatch.setattr(process, "start", begun)
            while begun(*command, **given).running:
                time.sleep(0.01)
            raise process.ServerFailed("it did not start", given["log"])

        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Where somebody else was faster, it is taken as well.
            with contextlib.suppress(OSError):
                taken.bind((first.host, first.port))
                taken.listen()
            if unseen:
                monkeypatch.setattr(process, "start", begin_unseen)
            cloud.poolers.start()
            again = cloud.poolers.find("cell", "acme")
            assert again is not None
            assert again.port != first.port
            with psycopg.connect(again.console_dsn, autocommit=True) as console:
                assert console.pgconn.socket > 0
        owner = first.config.with_name("users.txt").stat().st_uid
        assert (again.config.stat().st_uid, again.config.stat().st_mode & 0o077) == (owner, 0)
    finally:
        cloud.stop()


def test_a_configuration_that_pgbouncer_refuses_is_told_with_its_own_words(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path / "state")
    with pytest.raises(process.ServerFailed, match="unknown parameter"):
        cloud.poolers.ensure(
            "cell", "acme", configuration="[pgbouncer]\nno_such_setting = 1\n", users=""
        )
    assert cloud.poolers.find("cell", "acme") is None
