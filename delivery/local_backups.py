"""Backups on the cloud of this machine: dumps in a cell's own bucket, taken when asked for.

No service takes backups here by night, so that the newest one is that of this moment.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from boto3.s3.transfer import S3Transfer
from psycopg import sql

from catalog import names
from database_moves.database import Database
from database_moves.errors import RefusedError
from database_moves.schema import archive, programs
from delivery.backups import Restored, RestoreError
from rehearsal.servers.postgresql import PostgresqlServers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalog.cell import Cell
    from catalog.organization import Organization
    from rehearsal.local_cloud import LocalCloud
    from rehearsal.servers.postgresql_server import PostgresqlServer

_ROLES = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"


class LocalBackups:
    """Dumps by `pg_dump`, restored by `pg_restore` on a server that is made for it."""

    oldest = timedelta(minutes=30)

    def __init__(self, organization: Organization, cloud: LocalCloud) -> None:
        """`cloud` runs."""
        self._organization = organization
        self._cloud = cloud
        self._scratch = PostgresqlServers(cloud.root / "restore-tests")

    @contextmanager
    def restored(self, cell: Cell, cluster: str, databases: Sequence[str]) -> Iterator[Restored]:
        """See `Backups.restored`."""
        try:
            serving = self._cloud.postgresql.find(f"{cluster}.local", 0)
        except LookupError:
            raise RestoreError(
                f"the database server {cluster} does not run; `patchworks local start`"
            ) from None
        bucket = names.backup_bucket(self._organization, cell)
        s3 = self._cloud.aws("s3", cell.account, cell.region)
        self._scratch.remove(cluster)
        with tempfile.TemporaryDirectory(dir=self._cloud.root) as scratch:
            keys = {
                database: self._take(serving, cluster, database, s3, bucket, Path(scratch))
                for database in databases
            }
            taken, began = datetime.now(UTC), time.monotonic()
            try:
                server = self._scratch.ensure(cluster, serving.engine_version)
                _make_roles(serving, server)
                for database, key in keys.items():
                    file = Path(scratch) / "fetched"
                    S3Transfer(client=s3).download_file(bucket, key, str(file))
                    _restore(server, database, file)
                    file.unlink()
                yield Restored(
                    what=f"s3://{bucket}/restore-tests/{cluster}/",
                    taken=taken,
                    seconds=round(time.monotonic() - began, 3),
                    live=lambda name: Database(serving.deployer_dsn(name), "source"),
                    copy=lambda name: Database(server.deployer_dsn(name), "target"),
                )
            finally:
                self._scratch.remove(cluster)
                for key in keys.values():
                    s3.delete_object(Bucket=bucket, Key=key)

    def _take(
        self,
        serving: PostgresqlServer,
        cluster: str,
        database: str,
        s3: Any,
        bucket: str,
        directory: Path,
    ) -> str:
        source = Database(serving.deployer_dsn(database), "source")
        file = directory / "dump"
        program = _program(serving, "pg_dump")
        _run([str(program), "--format=custom", "--no-password", f"--file={file}"], source)
        key = f"restore-tests/{cluster}/{database}.dump"
        S3Transfer(client=s3).upload_file(str(file), bucket, key)
        file.unlink()
        return key


def _program(server: PostgresqlServer, name: str) -> Path:
    try:
        found = programs.find(int(server.version.split(".")[0]))
    except RefusedError as refused:
        raise RestoreError(str(refused)) from None
    return found.pg_dump.with_name(name)


def _make_roles(serving: PostgresqlServer, scratch: PostgresqlServer) -> None:
    """Roles are the cluster's, not a database's: a snapshot has them, and a dump does not."""
    with (
        psycopg.connect(serving.superuser_dsn) as known,
        psycopg.connect(scratch.superuser_dsn, autocommit=True) as session,
    ):
        there = {row[0] for row in session.execute(_ROLES)}
        for (role,) in known.execute(_ROLES).fetchall():
            if role not in there:
                session.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))


def _restore(server: PostgresqlServer, database: str, file: Path) -> None:
    with psycopg.connect(server.superuser_dsn, autocommit=True) as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    target = Database(
        psycopg.conninfo.make_conninfo(server.superuser_dsn, dbname=database), "target"
    )
    program = _program(server, "pg_restore")
    # Whatever can't be restored is a fault: it would be missing on the day it is needed.
    _run(
        [str(program), "--exit-on-error", "--no-password", f"--dbname={database}", str(file)],
        target,
    )
    with psycopg.connect(target.dsn) as session:
        reads = sql.SQL("GRANT pg_read_all_data TO {}")
        session.execute(reads.format(sql.Identifier(server.deployer.user)))


def _run(command: Sequence[str], database: Database) -> None:
    ended = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, without a shell
        command,
        env=archive.environment(database),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode != 0:
        said = archive.without_secrets(ended.stderr.strip(), database)
        raise RestoreError(f"{Path(command[0]).name} of {database.address} failed: {said}")
