"""What the checks look at: both servers through one session each, and what a person chose."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import sql

from database_moves import inventory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg

    from database_moves.database import Database, Side
    from database_moves.inventory import Table
    from database_moves.options import MoveOptions
    from database_moves.poolers.pooler import Pooler

_FACTS = """
SELECT current_user::text, r.rolsuper, r.rolbypassrls, d.datname::text, d.oid::bigint,
       current_setting('server_version_num')::int, pg_is_in_recovery(),
       pg_has_role('pg_read_all_stats', 'USAGE'),
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser'
               AND pg_has_role(oid, 'MEMBER'))
  FROM pg_roles AS r, pg_database AS d
 WHERE r.rolname = current_user AND d.datname = current_database()
"""


@dataclass(frozen=True)
class Facts:
    """What the session itself is."""

    role: str
    superuser: bool
    bypasses_row_security: bool
    database: str
    database_oid: int
    version: int
    """As `server_version_num`: 180004."""
    in_recovery: bool
    sees_sessions: bool
    """Whether it sees what other roles' sessions do."""
    rds_superuser: bool


class Server:
    """One side as one open session sees it; every answer is asked for once."""

    def __init__(self, database: Database, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.database = database
        self.connection = connection
        self.since = time.monotonic()

    @property
    def side(self) -> Side:
        """`source` or `target`."""
        return self.database.side

    def rows(
        self, query: LiteralString | sql.Composed, parameters: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(query, parameters).fetchall()

    def value(
        self, query: LiteralString | sql.Composed, parameters: Mapping[str, Any] | None = None
    ) -> Any:
        """The first column of the first row."""
        return self.rows(query, parameters)[0][0]

    def names(
        self, query: LiteralString | sql.Composed, parameters: Mapping[str, Any] | None = None
    ) -> tuple[str, ...]:
        """The first column of every row."""
        return tuple(str(row[0]) for row in self.rows(query, parameters))

    @cached_property
    def facts(self) -> Facts:
        """Role, database and version."""
        return Facts(*self.rows(_FACTS)[0])

    @property
    def major(self) -> int:
        """The major version."""
        return self.facts.version // 10000

    @cached_property
    def settings(self) -> dict[str, str]:
        """What the server, database and role set, before the session's own `SET`s; in raw units."""
        return dict(self.rows("SELECT name, reset_val FROM pg_settings"))

    def number(self, setting: str, default: int = 0) -> int:
        """A setting that is a number, in its own unit."""
        return int(self.settings.get(setting, default))

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Every table with rows of its own."""
        return inventory.tables(self.connection)

    @cached_property
    def size(self) -> int:
        """Bytes of the whole database."""
        return int(self.value("SELECT pg_database_size(current_database())"))

    @cached_property
    def wal_start(self) -> tuple[float, int]:
        """Where the WAL was when first asked: a monotonic time and a position in bytes."""
        return self._wal()

    def wal_rate(self, seconds: float) -> float:
        """Bytes of WAL a second since `wal_start`, over at least `seconds`."""
        begun, position = self.wal_start
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        ended, reached = self._wal()
        return (reached - position) / max(ended - begun, 0.001)

    def _wal(self) -> tuple[float, int]:
        written = self.value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
        return time.monotonic(), int(written)


@dataclass(frozen=True)
class Situation:
    """A move that might begin.

    A side that could not be reached has its fault in `faults`; checks that need it do not run.
    """

    servers: Mapping[Side, Server]
    faults: Mapping[Side, tuple[str, str]]
    """A message and a remedy for each side that was not reached."""
    options: MoveOptions
    poolers: Sequence[Pooler] = ()
    not_checked: tuple[str, ...] = ()
    """The checks that a side in `faults` keeps from being made."""
    sample_seconds: float = field(default=0.5)
    """How long the write rate is measured at least."""

    @property
    def source(self) -> Server:
        """The side that serves now."""
        return self.servers["source"]

    @property
    def target(self) -> Server:
        """The side that shall serve."""
        return self.servers["target"]

    @property
    def both(self) -> tuple[Server, Server]:
        """Source and target."""
        return self.source, self.target

    @property
    def publishers(self) -> tuple[Server, ...]:
        """The servers that send changes: the target does so for the way back."""
        return self.both if self.options.rollback else (self.source,)

    @property
    def subscribers(self) -> tuple[Server, ...]:
        """The servers that apply changes: the source does so for the way back."""
        return (self.target, self.source) if self.options.rollback else (self.target,)

    def clock_difference(self) -> float:
        """Seconds that the target's clock is ahead of the source's, at least."""
        ask = "SELECT extract(epoch FROM clock_timestamp())::float8"
        before = float(self.source.value(ask))
        at_target = float(self.target.value(ask))
        after = float(self.source.value(ask))
        # The two answers of the source lie around the target's, how far apart they may be.
        return min(0.0, at_target - before) + max(0.0, at_target - after)


def statement(template: LiteralString, *names: str | tuple[str, str]) -> str:
    """A statement for people to run, with names quoted: `GRANT {} TO {}`."""
    identifiers = (
        sql.Identifier(name) if isinstance(name, str) else sql.Identifier(*name) for name in names
    )
    return sql.SQL(template).format(*identifiers).as_string(None) + ";"


def literal(text: str) -> str:
    """A string as SQL writes it."""
    return sql.Literal(text).as_string(None).strip()
