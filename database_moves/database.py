"""One PostgreSQL database on one server: how to reach it without showing its password."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Escaping

from database_moves import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Side = Literal["source", "target"]

CONNECT_SECONDS = 10
"""`connect_timeout` where the connection string names none."""

# A session of a move reads and writes values in one form whatever the role's or the database's
# own settings, and is ended by no timer: the session that holds the snapshot idles for hours.
SETTINGS: dict[str, str] = {
    "statement_timeout": "0",
    # Whoever may wait longer says so; `steps.patience` tries again for a while.
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    "row_security": "off",
    "search_path": "pg_catalog",
    "extra_float_digits": "3",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "xmloption": "content",
    "check_function_bodies": "off",
    "quote_all_identifiers": "off",
}


_SINCE = {"idle_session_timeout": 140000, "transaction_timeout": 170000}
"""The version of PostgreSQL that was the first to know a setting, for those that not all know."""


class Identity(NamedTuple):
    """What tells a database from every other one, whatever name or address leads to it."""

    system_identifier: str
    database_oid: int


@dataclass(frozen=True)
class Database:
    """A database that a move reads from or writes to.

    `dsn` is a libpq connection string or URI; it may hold a password, so it is shown nowhere.
    `side` is what the database was when the move began, and never changes; which of the two serves
    does.
    """

    dsn: str = field(repr=False)
    side: Side
    dialled: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What another server needs instead when it dials this one, such as its own `sslrootcert`."""

    def connect(
        self,
        purpose: str,
        *,
        autocommit: bool = True,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a session for one purpose, which `pg_stat_activity` then shows.

        `settings` add to or replace those in `SETTINGS`; `timeout` in seconds limits the attempt.
        Raises `psycopg.OperationalError`, whose text holds no password.
        """
        parameters = self._parameters(purpose, timeout)
        connection = psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
        try:
            _configure(connection, {**SETTINGS, **(settings or {})})
            connection.autocommit = autocommit
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def session(
        self, purpose: str, **options: Any
    ) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """As `connect`, and close it at the end, committed or not."""
        connection = self.connect(purpose, **options)
        try:
            yield connection
        finally:
            connection.close()

    def connect_for_replication(self, purpose: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a session that speaks the logical replication protocol; simple queries only."""
        parameters = self._parameters(purpose, None)
        return psycopg.connect(**parameters, replication="database", autocommit=True)

    @cached_property
    def address(self) -> str:
        """Host, port and database, for people; no credential."""
        with_defaults = psycopg.pq.Conninfo.get_defaults()
        known = {
            option.keyword.decode(): option.val.decode() for option in with_defaults if option.val
        }
        known |= {key: str(value) for key, value in conninfo_to_dict(self.dsn).items()}
        host = known.get("host") or known.get("hostaddr") or "localhost"
        return f"{host}:{known.get('port', '5432')}/{known.get('dbname', known.get('user', ''))}"

    def conninfo(self, **replaced: str) -> str:
        """The connection string with parts replaced; it holds the password."""
        return make_conninfo(self.dsn, **replaced)

    def environment(self) -> dict[str, str]:
        """The variables by which PostgreSQL's own programs reach the database.

        A password in an environment is seen by the same user alone, in arguments by everyone.
        """
        parameters = self._parameters("pg_dump", None)
        variables = {
            option.keyword.decode(): option.envvar.decode()
            for option in psycopg.pq.Conninfo.get_defaults()
            if option.envvar
        }
        return {
            variables[key]: str(value)
            for key, value in parameters.items()
            if key in variables and value is not None
        }

    def identity(self, connection: psycopg.Connection[tuple[Any, ...]]) -> Identity:
        """What tells this database from every other one."""
        row = connection.execute(
            "SELECT s.system_identifier::text, d.oid::bigint "
            "FROM pg_control_system() AS s, pg_database AS d WHERE d.datname = current_database()"
        ).fetchone()
        assert row is not None
        return Identity(*row)

    def _parameters(self, purpose: str, timeout: float | None) -> dict[str, Any]:
        parameters: dict[str, Any] = dict(conninfo_to_dict(self.dsn))
        parameters.setdefault("connect_timeout", CONNECT_SECONDS)
        if timeout is not None:
            # libpq takes 1 for 2 and 0 for no limit.
            parameters["connect_timeout"] = max(2, round(timeout))
        # A dead peer is noticed in half a minute, not in the two hours of the default.
        parameters.setdefault("keepalives_idle", 10)
        parameters.setdefault("keepalives_interval", 5)
        parameters.setdefault("keepalives_count", 4)
        parameters["application_name"] = f"{names.APPLICATION} {purpose}"[:63]
        parameters["client_encoding"] = "UTF8"
        return parameters


def gone(database: Database) -> bool:
    """Whether a database is no more, as its server says.

    Raises `psycopg.OperationalError` where the server does not say.
    """
    try:
        database.connect("look").close()
    except psycopg.OperationalError as error:
        name = str(conninfo_to_dict(database.dsn).get("dbname"))
        # libpq tells no code of a refused connection, and its text is in the server's language.
        if f'"{name}" does not exist' in str(error):
            return True
        for beside in ("postgres", "template1"):
            with (
                contextlib.suppress(psycopg.OperationalError),
                Database(database.conninfo(dbname=beside), database.side).session("look") as other,
            ):
                row = other.execute(
                    "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", (name,)
                ).fetchone()
                return row is not None and not row[0]
        raise
    return False


def quoted(connection: psycopg.Connection[Any], text: str) -> str:
    """A string literal, for the few statements that take no parameters."""
    return Escaping(connection.pgconn).escape_literal(text.encode()).decode()


def _configure(connection: psycopg.Connection[Any], settings: Mapping[str, str]) -> None:
    known = {
        name: value
        for name, value in settings.items()
        if connection.info.server_version >= _SINCE.get(name, 0)
    }
    # The view of all settings would tell which are known, and take longer than all the rest.
    connection.execute(
        "SELECT set_config(w.name, w.value, false) "
        "FROM unnest(%s::text[], %s::text[]) AS w(name, value)",
        (list(known), list(known.values())),
    )
