"""Real PostgreSQL servers of two versions, and fresh databases on them for every test."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database_moves.database import Database
from rehearsal.servers.postgresql import PostgresqlServer, PostgresqlServers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from database_moves.database import Side

MOVER = 'mover "of" $all; %s:@/'
MOVER_PASSWORD = "p'a\"ss w@rd:/%20$(x);\\ \u00fc\u4e2d=&?#"
OWNER = "Owner, the \u00fc"
OWNER_PASSWORD = "own'er \"$%@:/;"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Made:
    """A fresh database: how the mover, its owner (the application) and a superuser come in."""

    server: PostgresqlServer
    name: str

    def dsn(self, user: str, password: str) -> str:
        return make_conninfo(
            host=self.server.host,
            port=self.server.port,
            dbname=self.name,
            user=user,
            password=password,
        )

    @property
    def mover_dsn(self) -> str:
        return self.dsn(MOVER, MOVER_PASSWORD)

    @property
    def owner_dsn(self) -> str:
        return self.dsn(OWNER, OWNER_PASSWORD)

    @property
    def superuser_dsn(self) -> str:
        return make_conninfo(self.server.superuser_dsn, dbname=self.name)

    def as_database(self, side: Side) -> Database:
        return Database(self.mover_dsn, side)

    def owner(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.owner_dsn, autocommit=True)

    def superuser(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.superuser_dsn, autocommit=True)


def prepare(server: PostgresqlServer) -> None:
    """The mover, who is no superuser, and the role that owns applications' databases."""
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        for role, password in ((OWNER, OWNER_PASSWORD), (MOVER, MOVER_PASSWORD)):
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE REPLICATION PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
                if role == MOVER
                else sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )
        connection.execute(
            sql.SQL("GRANT {} TO {}").format(sql.Identifier(OWNER), sql.Identifier(MOVER))
        )
        connection.execute(
            sql.SQL("GRANT pg_create_subscription, pg_monitor TO {}").format(sql.Identifier(MOVER))
        )


@pytest.fixture(scope="session")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[int], PostgresqlServer]]:
    """Servers by major version, started when first asked for, one a worker and version."""
    cloud = PostgresqlServers(tmp_path_factory.mktemp("postgresql"))
    started: dict[int, PostgresqlServer] = {}

    def server(major: int) -> PostgresqlServer:
        if major not in started:
            found = cloud.ensure(f"pg{major}-{os.getpid()}", f"{major}.0")
            prepare(found)
            started[major] = found
        return started[major]

    yield server
    cloud.stop()


@pytest.fixture
def make_database(
    servers: Callable[[int], PostgresqlServer],
) -> Iterator[Callable[[int], Made]]:
    """Make empty databases that the application's role owns; they are dropped at the end."""
    made: list[Made] = []

    def make(major: int, prefix: str = "Orders") -> Made:
        server = servers(major)
        database = Made(server, f'{prefix} "{next(_numbers)}" %s')
        with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
            name = sql.Identifier(database.name)
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(OWNER))
            )
        made.append(database)
        return database

    yield make
    for database in made:
        remove(database)


def remove(database: Made) -> None:
    """Drop a database with what a move may have left there."""
    with database.superuser() as connection:
        for (name,) in connection.execute(
            "SELECT subname FROM pg_subscription WHERE subdbid = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall():
            subscription = sql.Identifier(str(name))
            for statement in (
                "ALTER SUBSCRIPTION {} DISABLE",
                "ALTER SUBSCRIPTION {} SET (slot_name = NONE)",
                "DROP SUBSCRIPTION {}",
            ):
                connection.execute(sql.SQL(statement).format(subscription))
    with psycopg.connect(database.server.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots "
            "WHERE database = %s AND active_pid IS NOT NULL",
            (database.name,),
        )
        for _ in range(50):
            left = connection.execute(
                "SELECT slot_name FROM pg_replication_slots WHERE database = %s", (database.name,)
            ).fetchall()
            if not left:
                break
            for (slot,) in left:
                try:
                    connection.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
                except psycopg.errors.ObjectInUse:
                    connection.execute("SELECT pg_sleep(0.1)")
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
        )


@pytest.fixture
def pair(make_database: Callable[[int], Made]) -> tuple[Made, Made]:
    """A source on PostgreSQL 16 and an empty target on 18."""
    return make_database(16), make_database(18)
