"""One logged-in connection of the PostgreSQL provider, with what the real provider does around it.

The driver's rules are those of the `postgresql` provider for Pulumi and Terraform. One is stricter:
where a privilege was not granted or not revoked PostgreSQL only warns, the provider goes on, and
the tenant's database stays open to all. Here that is a failure.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from psycopg.errors import Diagnostic

    from rehearsal.drivers.base import Cloud

# PostgreSQL refuses two changes of one catalog row at a time; the provider takes turns as well.
_turns: defaultdict[tuple[str, int], threading.RLock] = defaultdict(threading.RLock)

_NOT_REVOKED = "01006"
_NOT_GRANTED = "01007"


class PrivilegeUnchanged(RuntimeError):  # noqa: N818 - it tells what happened
    """PostgreSQL warned that a privilege was not granted or not revoked."""


class Session:
    """A connection as the provider's user; statements run in one transaction unless told else."""

    def __init__(self, connection: psycopg.Connection[Any], user: str) -> None:
        self.connection = connection
        self.user = user
        self._warnings: list[str] = []
        connection.add_notice_handler(self._notice)

    def run(self, template: LiteralString, **parts: sql.Composable) -> None:
        """Execute one statement built from a template and quoted parts."""
        statement = sql.SQL(template).format(**parts)
        self.connection.execute(statement)
        if self._warnings:
            warning = self._warnings.pop()
            self._warnings.clear()
            raise PrivilegeUnchanged(
                f"{warning}: {statement.as_string(self.connection)}; {self.user} lacks the grant "
                "option, so make it a member of the owner (createrole_self_grant does it)"
            )

    def value(self, query: LiteralString, *parameters: object) -> Any:
        """The first column of the first row, or None where there is no row."""
        row = self.connection.execute(query, parameters).fetchone()
        return None if row is None else row[0]

    def role_exists(self, role: str) -> bool:
        """Whether there is such a role; `public` always is."""
        known = self.value("SELECT true FROM pg_roles WHERE rolname = %s", role)
        return role == "public" or known is not None

    def database_exists(self, database: str) -> bool:
        """Whether the server has such a database."""
        return self.value("SELECT true FROM pg_database WHERE datname = %s", database) is not None

    def marked_for(self, kind: Literal["ROLE", "DATABASE"], object: str, name: str) -> bool:
        """Whether an object exists because this very resource was being created when it was cut.

        A creation that was interrupted is taken up again; another resource's object is not.
        """
        catalog: dict[str, tuple[LiteralString, LiteralString]] = {
            "ROLE": ("SELECT oid FROM pg_roles WHERE rolname = %s", "pg_authid"),
            "DATABASE": ("SELECT oid FROM pg_database WHERE datname = %s", "pg_database"),
        }
        query, table = catalog[kind]
        oid = self.value(query, object)
        mark = self.value("SELECT shobj_description(%s::oid, %s)", oid, table)
        return oid is not None and mark == _mark(name)

    def mark(self, kind: Literal["ROLE", "DATABASE"], object: str, name: str) -> None:
        """Note on a new object which resource it is."""
        self.run(
            "COMMENT ON {kind} {object} IS {mark}",
            kind=sql.SQL(kind),
            object=ident(object),
            mark=sql.Literal(_mark(name)),
        )

    @contextlib.contextmanager
    def member_of(self, roles: Iterable[str]) -> Iterator[None]:
        """Be a member of roles for a while, as only members of an owner may change its objects."""
        granted = []
        for role in dict.fromkeys(roles):
            if role == self.user or self._is_member(role) or self._is_superuser(role):
                continue
            self.run("GRANT {role} TO {user}", role=ident(role), user=ident(self.user))
            granted.append(role)
        yield
        for role in granted:
            if self.role_exists(role):
                self.run("REVOKE {role} FROM {user}", role=ident(role), user=ident(self.user))

    def _is_member(self, role: str) -> bool:
        query: LiteralString = (
            "SELECT true FROM pg_auth_members WHERE set_option"
            " AND roleid::regrole = %s::regrole AND member::regrole = %s::regrole"
        )
        return bool(self.value(query, quoted(role), quoted(self.user)))

    def _is_superuser(self, role: str) -> bool:
        return bool(self.value("SELECT rolsuper FROM pg_roles WHERE rolname = %s", role))

    def _notice(self, notice: Diagnostic) -> None:
        if notice.sqlstate in (_NOT_REVOKED, _NOT_GRANTED):
            self._warnings.append(str(notice.message_primary))


@contextlib.contextmanager
def session(
    cloud: Cloud, database: str | None = None, *, transaction: bool = True
) -> Iterator[Session]:
    """Log in as the provider does: to its database, or to the one that is given.

    Raises `LookupError` where the provider's host and port are no server of the local cloud, and
    `psycopg.OperationalError` where that server refuses the login.
    """
    provider = cloud.provider
    if "host" not in provider:
        raise LookupError("the PostgreSQL provider has no host, so its server is not known")
    host, port = str(provider["host"]), int(float(provider.get("port") or 5432))
    server = cloud.postgresql.find(host, port)
    user = str(provider.get("username") or server.deployer.user)
    known = server.deployer.password if user == server.deployer.user else None
    dsn = make_conninfo(
        host=server.host,
        port=server.port,
        user=user,
        # On AWS this is an IAM token, which nothing here can make or check.
        password=known if known is not None else str(provider.get("password") or ""),
        dbname=database or str(provider.get("database") or "postgres"),
        application_name="patchworks rehearsal",
        connect_timeout=30,
    )
    with (
        _turns[server.host, server.port],
        psycopg.connect(dsn, autocommit=not transaction) as connection,
    ):
        yield Session(connection, user)


def _mark(name: str) -> str:
    return f"patchworks rehearsal: {name}"


def ident(name: str) -> sql.Identifier:
    """A name as a quoted identifier."""
    return sql.Identifier(name)


def idents(names: Iterable[str]) -> sql.Composed:
    """Names as a list of quoted identifiers."""
    return sql.SQL(", ").join(map(sql.Identifier, names))


def quoted(name: str) -> str:
    """A name as text that PostgreSQL parses as an identifier, such as an argument of `regrole`."""
    return '"' + name.replace('"', '""') + '"'
