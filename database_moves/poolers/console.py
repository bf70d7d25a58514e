"""PgBouncer's admin console: a session that takes simple commands, answered within a time."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from database_moves.errors import MoveError, RefusedError
from database_moves.poolers.pooler import PoolerUnreachableError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ANSWER_SECONDS = 10.0
"""The console answers all but PAUSE at once, in a tenth of a millisecond on an idle machine."""


class CommandError(MoveError):
    """The console refused a command; the text is PgBouncer's."""


class Console:
    """One session at the console."""

    def __init__(self, admin_dsn: str, described: str) -> None:
        self._described = described
        parameters: dict[str, Any] = dict(conninfo_to_dict(admin_dsn))
        parameters.setdefault("connect_timeout", 5)
        try:
            connection = psycopg.connect(
                make_conninfo(**{**parameters, "dbname": "pgbouncer"}),
                autocommit=True,
                cursor_factory=psycopg.ClientCursor,
            )
        except psycopg.OperationalError as error:
            raise PoolerUnreachableError(
                f"{described} lets nobody in: {str(error).strip()}",
                remedy="the console's user must be one of admin_users, with its password",
            ) from error
        self._connection = connection
        self._wire = connection.pgconn

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session; what it waits for goes on in PgBouncer."""
        self._connection.close()

    def run(self, command: str) -> list[dict[str, Any]]:
        """Run a command, and return the rows of its answer.

        Raises `CommandError` with PgBouncer's words, and `PoolerUnreachableError`.
        """
        self.send(command)
        answer = self.answer(time.monotonic() + ANSWER_SECONDS)
        if answer is None:
            raise PoolerUnreachableError(
                f"{self._described} has not answered {command.split()[0]} "
                f"for {ANSWER_SECONDS:.0f} s"
            )
        return answer

    def send(self, command: str) -> None:
        """Send a command without waiting for its answer."""
        try:
            self._wire.send_query(command.encode())
        except psycopg.OperationalError as error:
            raise self._gone(error) from error

    def answer(self, deadline: float) -> list[dict[str, Any]] | None:
        """The answer to what was sent; None when it has not come by then (monotonic seconds)."""
        rows: list[dict[str, Any]] = []
        try:
            while True:
                while self._wire.is_busy():
                    left = deadline - time.monotonic()
                    if left <= 0 or not select.select([self._wire.socket], [], [], left)[0]:
                        return None
                    self._wire.consume_input()
                result = self._wire.get_result()
                if result is None:
                    return rows
                rows += self._rows(result)
        except psycopg.OperationalError as error:
            raise self._gone(error) from error

    def _rows(self, result: pq.abc.PGresult) -> list[dict[str, Any]]:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            message = result.error_message.decode(errors="replace").strip()
            if self._wire.status != pq.ConnStatus.OK:
                raise PoolerUnreachableError(f"{self._described} went away: {message}")
            raise CommandError(message.removeprefix("ERROR:").strip())
        names = [(result.fname(n) or b"").decode() for n in range(result.nfields)]
        return [
            {
                name: None if value is None else value.decode(errors="surrogateescape")
                for name, value in (
                    (name, result.get_value(row, column)) for column, name in enumerate(names)
                )
            }
            for row in range(result.ntuples)
        ]

    def _gone(self, error: Exception) -> PoolerUnreachableError:
        return PoolerUnreachableError(f"{self._described} went away: {str(error).strip()}")


def described(admin_dsn: str) -> str:
    """Where a console is, for people; no credential."""
    try:
        parameters = conninfo_to_dict(admin_dsn)
    except psycopg.ProgrammingError:
        # libpq's own message repeats the string, and the password with it.
        raise RefusedError(
            "the address of PgBouncer's console is no connection string",
            remedy="write it as host=... port=... user=...",
        ) from None
    host = parameters.get("host") or parameters.get("hostaddr") or "localhost"
    return f"PgBouncer at {host}:{parameters.get('port') or 6432}"


def identifier(alias: str) -> str:
    """An alias as the console's commands take it."""
    return '"' + alias.replace('"', '""') + '"'
