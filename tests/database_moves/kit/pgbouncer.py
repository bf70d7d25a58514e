"""A real PgBouncer on a free loopback port, in front of any databases."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import psycopg
from psycopg.conninfo import make_conninfo

from rehearsal.servers import process
from rehearsal.servers.postgresql_installation import Account

from . import ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

ADMIN = "pooler-admin"
ADMIN_PASSWORD = 'adm\'in "p@ss" %40:/;$\u00fc'
STATS = "pooler-stats"
STATS_PASSWORD = "stats only"

START_SECONDS = 120.0


class Address(Protocol):
    """Where a server listens."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


class Behind(Protocol):
    """A database that a pooler leads to; `Made` is one."""

    @property
    def server(self) -> Address: ...
    @property
    def name(self) -> str: ...


def program() -> str | None:
    """Where PgBouncer is, or None; Debian puts it where only root looks."""
    return shutil.which("pgbouncer", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin")


def quoted(value: str) -> str:
    """A value in the right side of a `[databases]` entry."""
    return "'" + value.replace("'", "''") + "'"


def entry(database: Behind, **options: str | int) -> str:
    """The right side of a `[databases]` entry."""
    parts: dict[str, str | int] = {
        "host": database.server.host,
        "port": database.server.port,
        "dbname": database.name,
        **options,
    }
    return " ".join(f"{key}={quoted(str(value))}" for key, value in parts.items())


class PgBouncerServer:
    """One PgBouncer with a directory of its own.

    `databases` holds the `[databases]` section: aliases, which PgBouncer 1.18 takes unquoted only,
    and what `entry` returns. `users` are names with their passwords, in the clear, as logging in
    at the server by SCRAM needs them. `settings` add to or replace those of `[pgbouncer]`.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        directory: Path,
        databases: Mapping[str, str],
        users: Mapping[str, str],
        *,
        pool_mode: Literal["transaction", "session"] = "transaction",
        settings: Mapping[str, str | int] | None = None,
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        # A unix socket's path has at most 107 bytes.
        self.socket_directory = Path(tempfile.mkdtemp(prefix="pooler-"))
        account = Account.current()
        account.own(directory)
        account.own(self.socket_directory)
        self._kept = ports.reserved()
        self.port = ports.number(self._kept)
        self.config = directory / "pgbouncer.ini"
        self.log = directory / "pgbouncer.log"
        self._pidfile = directory / "pgbouncer.pid"
        users = {ADMIN: ADMIN_PASSWORD, STATS: STATS_PASSWORD, **users}
        self._write(directory / "users.txt", "".join(_user(*user) for user in users.items()))
        options: dict[str, str | int] = {
            "listen_addr": self.host,
            "listen_port": self.port,
            "unix_socket_dir": str(self.socket_directory),
            "auth_type": "scram-sha-256",
            "auth_file": str(directory / "users.txt"),
            "admin_users": ADMIN,
            "stats_users": STATS,
            "pool_mode": pool_mode,
            "default_pool_size": 20,
            "max_client_conn": 200,
            "server_login_retry": 1,
            "ignore_startup_parameters": "extra_float_digits",
            **(settings or {}),
        }
        self._write(
            self.config,
            "[databases]\n"
            + "".join(f"{alias} = {target}\n" for alias, target in databases.items())
            + "\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in options.items()),
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._kept.close()
        shutil.rmtree(self.socket_directory, ignore_errors=True)

    def start(self) -> None:
        """Start the process and wait until it answers."""
        found = program()
        if found is None:
            raise LookupError("PgBouncer is missing: apt-get install pgbouncer")
        process.start(
            [*Account.current().prefix, found, self.config],
            pidfile=self._pidfile,
            log=self.log,
            environment={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.admin().close()
            except psycopg.OperationalError:
                if process.find(self._pidfile) is None or time.monotonic() > deadline:
                    process.stop(self._pidfile)
                    raise process.ServerFailed("PgBouncer did not start", self.log) from None
                time.sleep(0.02)

    def stop(self) -> None:
        """End it at once; clients are cut off."""
        process.stop(self._pidfile, sign=signal.SIGTERM)

    def kill(self) -> None:
        """End it by SIGKILL."""
        process.stop(self._pidfile, sign=signal.SIGKILL)

    def restart(self) -> None:
        """As a power cut, and on again: clients are cut off, and no pause is remembered."""
        self.kill()
        self.start()

    @property
    def admin_dsn(self) -> str:
        """The console, for who may do everything there."""
        return self.dsn("pgbouncer", ADMIN, ADMIN_PASSWORD)

    @property
    def stats_dsn(self) -> str:
        """The console, for who may only look."""
        return self.dsn("pgbouncer", STATS, STATS_PASSWORD)

    def dsn(self, alias: str, user: str, password: str) -> str:
        """How an application comes in."""
        return make_conninfo(
            host=self.host, port=self.port, dbname=alias, user=user, password=password
        )

    def admin(self) -> psycopg.Connection[Any]:
        """A session at the console, which takes simple queries only."""
        return psycopg.connect(
            self.admin_dsn, autocommit=True, cursor_factory=psycopg.ClientCursor, connect_timeout=5
        )

    def show(self, what: str) -> list[dict[str, Any]]:
        """The answer to a SHOW command, such as `DATABASES`."""
        with self.admin() as connection:
            cursor = connection.execute(b"SHOW " + what.encode())
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def _write(self, file: Path, text: str) -> None:
        file.write_text(text)
        file.chmod(0o600)
        account = Account.current()
        if os.geteuid() == 0:
            os.chown(file, account.user, account.group)


def _user(name: str, password: str) -> str:
    return " ".join('"' + text.replace('"', '""') + '"' for text in (name, password)) + "\n"
