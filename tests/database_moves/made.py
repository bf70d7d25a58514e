"""A fresh database of a test, and the roles that come into it: its owner, and a mover."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database_moves.database import Database

if TYPE_CHECKING:
    from database_moves.database import Side
    from rehearsal.servers.postgresql import PostgresqlServer

MOVER = 'mover "of" $all; %s:@/'
MOVER_PASSWORD = "p'a\"ss w@rd:/%20$(x);\\ \u00fc\u4e2d=&?#"
OWNER = "Owner, the \u00fc"
OWNER_PASSWORD = "own'er \"$%@:/;"


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
        # Before 16 only a superuser creates subscriptions.
        roles = (
            "pg_monitor"
            if server.version.startswith("15")
            else "pg_create_subscription, pg_monitor"
        )
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.SQL(roles), sql.Identifier(MOVER)))


def remove(*databases: Made) -> None:
    """Drop databases with what a move may have left there, unless that dropped them itself."""
    there = [database for database in databases if exists(database)]
    # First of all, or a subscription takes up again what is dropped at its other end.
    for database in there:
        unsubscribe(database)
    for database in there:
        with psycopg.connect(database.server.superuser_dsn, autocommit=True) as connection:
            drop_slots(connection, database)
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
            )


def exists(database: Made) -> bool:
    with psycopg.connect(database.server.superuser_dsn) as connection:
        query = "SELECT FROM pg_database WHERE datname = %s"
        return connection.execute(query, (database.name,)).fetchone() is not None


def unsubscribe(database: Made) -> None:
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


def drop_slots(connection: psycopg.Connection[Any], database: Made) -> None:
    """End those that use its slots until they are free."""
    deadline = time.monotonic() + 120
    while left := connection.execute(
        "SELECT slot_name, pg_terminate_backend(active_pid) FROM pg_replication_slots "
        "WHERE database = %s",
        (database.name,),
    ).fetchall():
        for slot, _ in left:
            try:
                connection.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
            except psycopg.errors.ObjectInUse:
                assert time.monotonic() < deadline, left
                time.sleep(0.1)
