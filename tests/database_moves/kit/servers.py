"""PostgreSQL servers of a test's own, which it may kill, start again and configure."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from rehearsal.servers import process
from rehearsal.servers.postgresql import PostgresqlServers
from rehearsal.servers.postgresql_cluster import Cluster
from rehearsal.servers.postgresql_installation import Account

if TYPE_CHECKING:
    from pathlib import Path

    from rehearsal.servers.postgresql import PostgresqlServer


class Servers:
    """One server for each major version, 16 and 18, in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.cloud = PostgresqlServers(directory)
        self.made = 0

    def start(self, major: int) -> PostgresqlServer:
        """Start it, or find it running; its port stays the same."""
        return self.cloud.ensure(f"own{major}", f"{major}.0")

    def kill(self, major: int) -> None:
        """SIGKILL to the postmaster; its sessions end when they notice."""
        found = process.find(self._cluster(major).pidfile)
        assert found is not None
        found.stop(sign=signal.SIGKILL)

    def stop(self, major: int) -> None:
        """End it after a checkpoint."""
        self._cluster(major).stop()

    def configure(self, major: int, **settings: str | int | None) -> None:
        """Set what the next start or, where that is enough, a reload makes true; None resets."""
        with psycopg.connect(self.start(major).superuser_dsn, autocommit=True) as connection:
            for name, value in settings.items():
                setting = sql.Identifier(name)
                statement = (
                    sql.SQL("ALTER SYSTEM RESET {}").format(setting)
                    if value is None
                    else sql.SQL("ALTER SYSTEM SET {} = {}").format(setting, str(value))
                )
                connection.execute(statement)
            connection.execute("SELECT pg_reload_conf()")

    def log(self, major: int) -> str:
        """All that it has logged."""
        return self._cluster(major).log.read_text(errors="replace")

    def pid(self, major: int) -> int:
        """The postmaster."""
        found = process.find(self._cluster(major).pidfile)
        assert found is not None
        return found.pid

    def limit_files(self, major: int, size: int | None) -> None:
        """Let its new processes write no file beyond so many bytes, or of any size again.

        To the server that is a disk that is full, but for its log, whose files have 16 MiB.
        """
        limit = "unlimited" if size is None else str(size)
        # As the server's own user: root may lack the right to limit others.
        subprocess.run(
            [
                *Account.current().prefix,
                *("prlimit", "--pid", str(self.pid(major)), f"--fsize={limit}:unlimited"),
            ],
            check=True,
        )

    def _cluster(self, major: int) -> Cluster:
        return Cluster(self._directory / f"own{major}")
