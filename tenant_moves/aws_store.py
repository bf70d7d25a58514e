"""The record of moves in a database of the cell, as a runner's disk is gone after its job."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from database_moves.database import Database

DATABASE = "patchworks_moves"
"""No tenant's: names of tenants do not begin with the platform's own."""


def url(server: Database) -> str:
    """The record's URL, which holds the password; the database is made where there is none.

    `server` is the maintenance database of the server that keeps it.
    """
    with server.session("record") as session:
        # Of movers that begin at once, one makes it; the lock ends with the session.
        session.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (DATABASE,))
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            session.execute(_statement("CREATE DATABASE {}"))
            session.execute(_statement("REVOKE ALL ON DATABASE {} FROM PUBLIC"))
    parts = {key: str(value) for key, value in conninfo_to_dict(server.dsn).items()}
    login = ":".join(quote(parts.pop(key), safe="") for key in ("user", "password"))
    host, port = parts.pop("host"), parts.pop("port")
    parts.pop("dbname", None)
    return f"postgresql://{login}@{host}:{port}/{DATABASE}?{urlencode(parts)}"


def _statement(template: str) -> bytes:
    return sql.SQL(template).format(sql.Identifier(DATABASE)).as_bytes()
