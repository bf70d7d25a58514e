"""PgBouncer's configuration files and sizes, as pure functions of a tenant's database."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from components.kubernetes.images import CA_BUNDLE

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = 6432
REPLICAS = 2
MOST_PODS = REPLICAS + 1
"""Pods that may run at once: during a rolling update one more than the replicas."""
CPU = "25m"
MEMORY = "64Mi"
"""Of each pod. PgBouncer takes some 2 kB a client and 20 kB a server connection."""
CLIENTS_PER_CONNECTION = 25
"""Client connections for each server connection a tenant has; the rest would only queue longer."""
SERVER_CONNECTIONS_RESERVED = 2
"""Connections per tenant left for migrations and for the mover, which go past the pooler."""
DIRECTORY = "/run/pgbouncer"
"""Where a pod holds its running configuration and its console's socket, in memory."""
_LONGEST_PASSWORD = 2047
# PgBouncer's manual allows other names in double quotes; its parser (1.18) stops at the quote.
_ENTRY = re.compile(r"(?!pgbouncer$)[0-9A-Za-z_.-]+", re.ASCII)
_HASH = re.compile(r"md5[0-9a-f]{32}|SCRAM-SHA-256\$.*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledDatabase:
    """One entry of PgBouncer's `[databases]`: a name for clients, and where it leads.

    The name is of ASCII letters, digits, `_`, `.` and `-`, and is not `pgbouncer`, the console's.
    """

    name: str
    host: str
    port: int
    database: str
    role: str


def pool_size(connections: int, pods: int) -> int:
    """Server connections that each of `pods` poolers may open so that all keep the tenant's limit.

    A few stay reserved where the limit allows it; every pooler gets one at least, so a limit
    below `pods` is held by PostgreSQL's own connection limit instead.
    """
    if connections < 1 or pods < 1:
        raise ValueError(f"{connections} connections cannot be shared among {pods} poolers")
    reserved = SERVER_CONNECTIONS_RESERVED if connections > SERVER_CONNECTIONS_RESERVED else 0
    return max(1, (connections - reserved) // pods)


def configuration(databases: tuple[PooledDatabase, ...], connections: int) -> str:
    """`pgbouncer.ini` for a tenant with that many server connections in all; holds no secret."""
    per_pod = pool_size(connections, MOST_PODS)
    settings = {
        "listen_addr": "*",
        "listen_port": PORT,
        "unix_socket_dir": DIRECTORY,
        "unix_socket_mode": "0700",
        "auth_type": "scram-sha-256",
        "auth_file": f"{DIRECTORY}/userlist.txt",
        # No admin_users: nobody administers over the network. PgBouncer lets its built-in user
        # `pgbouncer` in over the socket, from a process of its own user id in the same pod.
        "pool_mode": "transaction",
        "max_prepared_statements": 200,
        "max_client_conn": connections * CLIENTS_PER_CONNECTION,
        "default_pool_size": per_pod,
        "max_db_connections": per_pod,
        "server_tls_sslmode": "verify-full",
        "server_tls_ca_file": CA_BUNDLE,
        "server_tls_protocols": "secure",
        # A failover moves the writer's name to another address; find it within seconds.
        "dns_max_ttl": 5,
        "dns_nxdomain_ttl": 5,
        "server_connect_timeout": 5,
        "server_login_retry": 1,
        "server_lifetime": 1800,
        "server_idle_timeout": 300,
        "query_wait_timeout": 60,
        "tcp_keepalive": 1,
        "tcp_keepidle": 30,
        "tcp_keepintvl": 10,
        "tcp_keepcnt": 3,
        "ignore_startup_parameters": "extra_float_digits",
        "log_connections": 0,
        "log_disconnections": 0,
    }
    lines = ["[databases]", *map(_database_line, databases), "", "[pgbouncer]"]
    lines += [f"{key} = {value}" for key, value in settings.items()]
    return "\n".join(lines) + "\n"


def user_list(passwords: Mapping[str, str]) -> str:
    """`userlist.txt`: one role and its password a line, each in double quotes that are doubled.

    The password stays in plain, as PgBouncer needs it to answer the server's SCRAM exchange. One
    that PgBouncer could not hold, or would take for a hash, is refused without being shown.
    """
    lines = []
    for role, password in passwords.items():
        fault = _fault(password)
        if fault:
            raise ValueError(f"the password of {role} {fault}; choose another one")
        lines.append(f"{_doubled(role)} {_doubled(password)}")
    return "\n".join(lines) + "\n"


def connection_url(*, host: str, port: int, database: str, role: str, password: str) -> str:
    """A libpq URL in which every reserved character is percent-encoded."""
    credentials = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return f"postgresql://{credentials}@{host}:{port}/{quote(database, safe='')}"


def digest(*contents: str) -> str:
    """A digest that changes with any of the contents: 64 hexadecimal digits."""
    hashed = hashlib.sha256()
    for content in contents:
        data = content.encode()
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.hexdigest()


def _database_line(database: PooledDatabase) -> str:
    if not _ENTRY.fullmatch(database.name):
        raise ValueError(f"PgBouncer cannot serve a database under the name {database.name!r}")
    values = {
        "host": database.host,
        "port": str(database.port),
        "dbname": database.database,
        "user": database.role,
    }
    connection = " ".join(f"{key}={_single_quoted(value)}" for key, value in values.items())
    return f"{database.name} = {connection}"


def _single_quoted(value: str) -> str:
    if any(character in value for character in "\0\r\n"):
        raise ValueError(f"{value!r} has a line break, which pgbouncer.ini cannot hold")
    return "'" + value.replace("'", "''") + "'"


def _doubled(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _fault(password: str) -> str | None:
    if not password:
        return "is empty"
    if any(character in password for character in "\0\r\n"):
        return "has a line break or a zero character"
    if len(password.encode()) > _LONGEST_PASSWORD:
        return f"is longer than {_LONGEST_PASSWORD} bytes"
    if _HASH.fullmatch(password):
        return "looks like a hash"
    return None
