"""Opens a session on each side, or says in a few words why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from database_moves.preflight.situation import Server

if TYPE_CHECKING:
    from database_moves.database import Database

# libpq gives no code for a failed attempt, only a text.
_REMEDIES = (
    (
        "password authentication failed",
        "check the user and the password in the connection string",
    ),
    ("no password supplied", "put the password into the connection string"),
    (
        "no pg_hba.conf entry",
        "allow this machine's address, role and database in pg_hba.conf (on RDS: the parameter "
        "rds.force_ssl asks for TLS, and sslmode=require gives it)",
    ),
    ("permission denied for database", "GRANT CONNECT on the database to this role"),
    ("does not support SSL", "turn on ssl on the server, or choose another sslmode"),
    ("certificate", "name the server's certificate authority by sslrootcert in the connection "
     "string, and the host as the certificate has it"),
    ("SSL", "check sslmode and sslrootcert in the connection string"),
    ("too many", "close sessions, or raise max_connections"),
    ("remaining connection slots", "close sessions, or raise max_connections"),
    ("is not currently accepting connections", "ALTER DATABASE ... ALLOW_CONNECTIONS true"),
    ("not permitted to log in", "ALTER ROLE ... LOGIN"),
    ("translate host name", "check the host's name in the connection string"),
    ("Connection refused", "check host and port, and that the server runs and listens there"),
    ("timeout", "check the host, and that firewalls and security groups let this machine through"),
    ("does not exist", "check the names of database and role in the connection string"),
)  # fmt: skip

# A schema change under way is told of rather than waited for.
_SETTINGS = {"lock_timeout": "2s"}


def open_session(database: Database) -> Server | tuple[str, str]:
    """A session on one side, or what hinders it and what to do; never raises for a fault."""
    try:
        server = Server(database, database.connect("preflight", settings=_SETTINGS))
    except psycopg.ProgrammingError:
        # The parser quotes what it stumbled over, which may be a part of the password.
        return (
            "its connection string cannot be parsed",
            "write it as a URI with special characters as %XX, or as key='value' pairs with \\ "
            "before each ' and \\ in a value",
        )
    except psycopg.Error as error:
        return fault(database, error)
    try:
        _ = server.wal_start if not server.facts.in_recovery else None
    except psycopg.Error as error:
        server.connection.close()
        return fault(database, error)
    return server


def address(database: Database) -> str:
    """The database's address, or a word where its connection string has none."""
    try:
        return database.address
    except psycopg.ProgrammingError:
        return "(unreadable)"


def fault(database: Database, error: psycopg.Error) -> tuple[str, str]:
    """What hinders a session on one side, and what to do."""
    said = " ".join(str(error).split()) or type(error).__name__
    remedy = next(
        (remedy for text, remedy in _REMEDIES if text in said),
        "check the connection string and the server's log",
    )
    return f"{address(database)} cannot be reached: {said}", remedy
