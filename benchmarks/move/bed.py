"""Two servers with ordinary settings, and the databases that are copied between them."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database_moves.database import Database
from rehearsal.servers.postgresql import PostgresqlServers
from rehearsal.servers.postgresql_installation import installation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.database import Side
    from rehearsal.servers.postgresql import PostgresqlServer

# The rehearsal's servers are small; these have what a server of this size would be given.
SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "min_wal_size": "1GB",
    "wal_buffers": "16MB",
    "maintenance_work_mem": "256MB",
    "checkpoint_timeout": "15min",
}

ROLE = "bench"
"""The mover's, and that of the tools it is compared with."""
CLIENT = "client"
"""The application's, which owns the database that is cut over."""

SHAPES = {
    "a": "one table with three indexes",
    "b": "many tables of 10,000 rows",
    "c": "wide rows in TOAST",
}


@dataclass(frozen=True)
class Bed:
    """The servers, and where programs are."""

    source: PostgresqlServer
    target: PostgresqlServer
    directory: Path
    programs: Path
    """Of the newer version, whose pg_dump reads both."""

    def database(self, side: Side, name: str, role: str = ROLE) -> Database:
        """A database on one of the servers, as the mover or as the application."""
        server = self.source if side == "source" else self.target
        return Database(
            make_conninfo(
                host=server.host,
                port=server.port,
                user=role,
                password=role,
                dbname=name,
                sslmode="disable",
                gssencmode="disable",
            ),
            side,
        )

    def recreate(self, side: Side, name: str, owner: str = ROLE) -> None:
        """An empty database in place of what was there, with nothing left to write to the disk."""
        server = self.source if side == "source" else self.target
        with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
            identifier = sql.Identifier(name)
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier)
            )
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(identifier, sql.Identifier(owner))
            )
            connection.execute("CHECKPOINT")


@contextlib.contextmanager
def made() -> Iterator[Bed]:
    """Start both servers in a directory of their own; both are gone at the end."""
    with tempfile.TemporaryDirectory(prefix="move-bench-") as directory:
        # The servers' user enters it too.
        Path(directory).chmod(0o711)
        cloud = PostgresqlServers(Path(directory) / "servers")
        try:
            for server in _SERVERS:
                _make_ordinary(cloud.ensure(*server))
            cloud.stop()
            source, target = (cloud.ensure(*server) for server in _SERVERS)
            yield Bed(source, target, Path(directory), installation(18).programs)
        finally:
            cloud.stop()


_SERVERS = (("source", "16.0"), ("target", "18.0"))


def _make_ordinary(server: PostgresqlServer) -> None:
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        for setting, value in SETTINGS.items():
            connection.execute(
                sql.SQL("ALTER SYSTEM SET {} = {}").format(
                    sql.Identifier(setting), sql.Literal(value)
                )
            )
        # The tools that are compared with must be let do all they can.
        for role, rights in ((ROLE, "SUPERUSER REPLICATION"), (CLIENT, "")):
            connection.execute(
                sql.SQL(f"CREATE ROLE {{}} LOGIN {rights} PASSWORD {{}}").format(
                    sql.Identifier(role), sql.Literal(role)
                )
            )


def fill(bed: Bed, shape: str, size: float) -> None:
    """Make a shape's database on the source, `size` times as large as in the published table."""
    bed.recreate("source", shape)
    with bed.database("source", shape).session("fill") as connection:
        connection.execute("SET search_path = public")
        for statement in _STATEMENTS[shape](size):
            connection.execute(statement)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


TABLE_A = (
    "CREATE TABLE public.orders (id bigint, customer integer NOT NULL,"
    " amount numeric(10,2) NOT NULL, placed timestamptz NOT NULL, note text NOT NULL)"
)


def _one_table(size: float) -> list[str]:
    rows = max(100, int(5_000_000 * size))
    return [
        TABLE_A,
        "INSERT INTO orders SELECT i, (i * 7919) % 100003, (i % 100000) / 100.0,"
        " timestamptz '2020-01-01' + (i * 31 % 5000000) * interval '7 seconds', 'note ' || i"
        f" FROM generate_series(1::bigint, {rows}) AS i",
        "ALTER TABLE orders ADD PRIMARY KEY (id)",
        "CREATE INDEX ON orders (customer)",
        "CREATE INDEX ON orders (placed)",
    ]


def _many_tables(size: float) -> list[str]:
    return [
        f"CREATE TABLE t{number} (id bigint PRIMARY KEY, a integer NOT NULL, b text NOT NULL);"
        f" INSERT INTO t{number} SELECT i, i % 97, md5(i::text)"
        f" FROM generate_series(1, 10000) AS i; CREATE INDEX ON t{number} (a)"
        for number in range(max(3, int(500 * size)))
    ]


def _wide_rows(size: float) -> list[str]:
    rows = max(20, int(60_000 * size))
    return [
        "CREATE TABLE wide (id bigint PRIMARY KEY, kind integer NOT NULL, body text NOT NULL,"
        " doc bytea NOT NULL)",
        "INSERT INTO wide SELECT i, i % 10,"
        " (SELECT string_agg('word ' || md5((i * 1000 + j)::text), ' ')"
        " FROM generate_series(1, 120) AS j),"
        " (SELECT string_agg(decode(md5((i * 77 + j)::text), 'hex'), '')"
        " FROM generate_series(1, 300) AS j)"
        f" FROM generate_series(1, {rows}) AS i",
        "CREATE INDEX ON wide (kind)",
    ]


_STATEMENTS = {"a": _one_table, "b": _many_tables, "c": _wide_rows}
