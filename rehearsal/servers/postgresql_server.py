"""What one knows of a running local PostgreSQL server: where it is and who may log in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from pathlib import Path

SUPERUSER = "postgres"


class Login(NamedTuple):
    """A role and its password."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login(user={self.user!r})"


@dataclass(frozen=True)
class PostgresqlServer:
    """A running PostgreSQL server that stands for one database cluster."""

    cluster: str
    host: str
    port: int
    version: str
    """The server's real version, such as `16.14`."""
    engine_version: str
    """The version that the cell declares."""
    deployer: Login = field(repr=False)
    """The role that declares tenants' databases and roles; no superuser, as on RDS."""
    mover: Login = field(repr=False)
    """The role that moves log in as; its sessions are the deployer's."""
    socket_directory: Path

    @property
    def note(self) -> str | None:
        """Where the server differs from what is declared, or None."""
        if self.version.split(".")[0] == self.engine_version.split(".")[0]:
            return None
        return f"runs PostgreSQL {self.version} in place of {self.engine_version}"

    @property
    def superuser_dsn(self) -> str:
        """A conninfo for the superuser, who comes in by the unix socket without a password."""
        return make_conninfo(
            host=str(self.socket_directory), port=self.port, user=SUPERUSER, dbname="postgres"
        )

    def deployer_dsn(self, database: str = "postgres") -> str:
        """A conninfo for the deployer; it holds the password, so it belongs on no command line."""
        return self._dsn(self.deployer, database)

    def mover_dsn(self, database: str = "postgres") -> str:
        """A conninfo for moves; it holds the password, so it belongs on no command line."""
        return self._dsn(self.mover, database)

    def _dsn(self, login: Login, database: str) -> str:
        return make_conninfo(
            host=self.host,
            port=self.port,
            user=login.user,
            password=login.password,
            dbname=database,
        )
