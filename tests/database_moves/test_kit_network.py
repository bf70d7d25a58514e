"""The proxy cuts, holds and slows connections; Debian's server has what the wheel's lack."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from kit.debian import DebianPostgres
from kit.proxy import CuttingProxy
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from made import Made


def test_a_connection_is_passed_on_dropped_refused_and_taken_again(
    make_database: Callable[[int], Made], cut_between: Callable[[Made], CuttingProxy]
) -> None:
    made = make_database(16)
    proxy = cut_between(made)
    dsn = make_conninfo(made.owner_dsn, port=proxy.port)
    connection = psycopg.connect(dsn)
    assert connection.execute("SELECT 1").fetchone() == (1,)
    proxy.drop()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    psycopg.connect(dsn).close()
    proxy.refuse()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(dsn)
    proxy.forward()
    psycopg.connect(dsn).close()


def test_a_black_hole_holds_what_it_took_until_it_is_passed_on(
    make_database: Callable[[int], Made], cut_between: Callable[[Made], CuttingProxy]
) -> None:
    made = make_database(16)
    proxy = cut_between(made)
    dsn = make_conninfo(made.owner_dsn, port=proxy.port)
    with psycopg.connect(dsn) as connection:
        proxy.black_hole()
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            psycopg.connect(dsn, connect_timeout=2)
        answer: list[object] = []
        asking = threading.Thread(
            target=lambda: answer.append(connection.execute("SELECT 2").fetchone())
        )
        asking.start()
        asking.join(0.3)
        assert answer == []
        proxy.forward()
        asking.join(30)
        assert answer == [(2,)]


def test_a_throttled_connection_takes_its_time(
    make_database: Callable[[int], Made], cut_between: Callable[[Made], CuttingProxy]
) -> None:
    made = make_database(16)
    proxy = cut_between(made)
    with psycopg.connect(make_conninfo(made.owner_dsn, port=proxy.port)) as connection:
        proxy.throttle(100_000)
        begun = time.monotonic()
        connection.execute("SELECT repeat('x', 50000)")
        # At least what the rate says; more is the machine's business.
        assert time.monotonic() - begun > 0.4


def test_one_end_may_finish_while_the_other_still_speaks() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                heard = b""
                while chunk := connection.recv(1000):
                    heard += chunk
                connection.sendall(b"heard " + heard)

        server = threading.Thread(target=answer)
        server.start()
        with (
            CuttingProxy("127.0.0.1", listening.getsockname()[1]) as proxy,
            socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as client,
        ):
            client.sendall(b"all of it")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1000) == b"heard all of it"
            assert client.recv(1000) == b""
        server.join(30)


@pytest.mark.needs_debian_postgresql
def test_debians_server_proves_itself_by_tls_and_outlives_a_crash(tmp_path: Path) -> None:
    debian = DebianPostgres(tmp_path / "debian")
    try:
        server = debian.start()
        with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
            connection.execute("CREATE ROLE someone LOGIN PASSWORD 'of the tests'")
            row = connection.execute(
                "SELECT datlocprovider FROM pg_database WHERE datname = 'postgres'"
            ).fetchone()
            assert row is not None
            assert row[0] in ("i", b"i")
        debian.crash()
        server = debian.start()
        dsn = make_conninfo(
            host="localhost",
            port=server.port,
            dbname="postgres",
            user="someone",
            password="of the tests",
            sslmode="verify-full",
            sslrootcert=str(debian.authority),
        )
        with psycopg.connect(dsn) as connection:
            assert connection.info.dbname == "postgres"
            assert connection.pgconn.ssl_in_use
    finally:
        debian.stop()
