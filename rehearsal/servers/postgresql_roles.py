"""The roles that a cell's database has before any tenant: RDS's own, and the deployer."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from components.kubernetes.bootstrap_scripts import MOVER_PASSWORD
from components.kubernetes.bootstrap_scripts import SQL as BOOTSTRAP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.servers.postgresql_installation import Installation
    from rehearsal.servers.postgresql_server import PostgresqlServer

# RDS has no superuser to log in as; these are the roles it hands out instead.
_RDS_ROLES = ("rds_superuser", "rds_replication", "rds_iam")


def roles_digest(server: PostgresqlServer) -> str:
    """What the roles depend on: their passwords and the bootstrap."""
    passwords = f"{server.deployer.password}{server.mover.password}"
    return hashlib.sha256(f"{passwords}{BOOTSTRAP}".encode()).hexdigest()


def prepare_roles(
    server: PostgresqlServer, programs: Installation, environment: Mapping[str, str]
) -> None:
    """Make the roles that a cell's database has before any tenant; running it again is harmless.

    What RDS brings is made here. The rest is the very input of the cell's bootstrap job.
    """
    deployer, password = server.deployer
    mover, mover_password = server.mover
    with psycopg.connect(server.superuser_dsn) as connection:
        existing = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in _RDS_ROLES:
            if role not in existing:
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    answer = subprocess.run(  # noqa: S603 - a program of the wheel
        [programs.programs / "psql", "--no-psqlrc", "--quiet", "--dbname", server.superuser_dsn],
        env={
            **environment,
            "PGOPTIONS": f"-c client_min_messages=warning -c {MOVER_PASSWORD}={mover_password}",
        },
        input=BOOTSTRAP,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise RuntimeError(f"the bootstrap of {server.cluster} failed:\n{answer.stderr}")
    with psycopg.connect(server.superuser_dsn) as connection:
        # Sent as a verifier: the password itself stays out of the server's log and memory.
        verifier = connection.pgconn.encrypt_password(
            password.encode(), deployer.encode(), b"scram-sha-256"
        )
        # A password stands for the IAM token, the attributes for membership in rds_replication.
        connection.execute(
            sql.SQL("ALTER ROLE {} REPLICATION PASSWORD {}").format(
                sql.Identifier(deployer), sql.Literal(verifier.decode())
            )
        )
        connection.execute(sql.SQL("ALTER ROLE {} REPLICATION").format(sql.Identifier(mover)))
