"""One local PostgreSQL server: its directory, its process, its roles.

A cluster's directory holds `data/` (PostgreSQL's own), `server.json` (port, engine version, the
deployer's password), `server.pid` and `server.log`. All of it is written under the cluster's lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from components.kubernetes.bootstrap_scripts import SQL as BOOTSTRAP
from components.postgresql.deployer import DEPLOYER
from rehearsal.servers import process
from rehearsal.servers.postgresql_installation import (
    Account,
    Installation,
    installation,
    nearest_major,
)
from rehearsal.servers.postgresql_settings import SUPERUSER, authentication, configuration

HOST = "127.0.0.1"

START_SECONDS = 60.0
"""How long a start may take; recovery after a kill replays at most `max_wal_size`."""

# A unix socket's path has at most 107 bytes, and a clone may lie deeper than that.
_SOCKETS = Path("/tmp")  # noqa: S108 - its directory there is checked to be ours alone

# RDS has no superuser to log in as; these are the roles it hands out instead.
_RDS_ROLES = ("rds_superuser", "rds_replication", "rds_iam")


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
        return make_conninfo(
            host=self.host,
            port=self.port,
            user=self.deployer.user,
            password=self.deployer.password,
            dbname=database,
        )


class Cluster:
    """The directory and the process of one server."""

    def __init__(self, directory: Path) -> None:
        self.name = directory.name
        self._directory = directory
        self._data = directory / "data"
        self._record = directory / "server.json"
        self.pidfile = directory / "server.pid"
        self.log = directory / "server.log"

    def start(self, engine_version: str) -> PostgresqlServer:
        """Start the server, or find it running; an existing cluster keeps its major version.

        Raises `process.ServerFailed` with the end of the log, and `process.Locked` when another
        command has been busy with this cluster for minutes.
        """
        self._directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            self._directory.mkdir(mode=0o700, exist_ok=True)
            record = self.record() or {"password": secrets.token_urlsafe(24)}
            record["engine_version"] = engine_version
            programs = self._initialized(nearest_major(engine_version))
            record["version"] = programs.version
            if process.find(self.pidfile) is None or not self._answers(record):
                self._launch(programs, record)
            else:
                self._write_record(record)
            server = self._server(record)
            prepared = hashlib.sha256(f"{server.deployer.password}{BOOTSTRAP}".encode()).hexdigest()
            if record.get("prepared") != prepared:
                _prepare_roles(server, programs)
                self._write_record(record | {"prepared": prepared})
            return server

    def stop(self) -> bool:
        """Stop the server after its last checkpoint; whether it was running."""
        if not self._directory.exists():
            return False
        with self._locked():
            return self._stop()

    def remove(self) -> None:
        """Stop the server and delete all it has; that there is none is no error."""
        if not self._directory.parent.exists():
            return
        with self._locked():
            self._stop()
            shutil.rmtree(self._directory, ignore_errors=True)

    def running(self) -> PostgresqlServer | None:
        """The server if its process is alive, without asking it anything."""
        record = self.record()
        if record is None or "port" not in record or process.find(self.pidfile) is None:
            return None
        return self._server(record)

    def record(self) -> dict[str, Any] | None:
        """What `server.json` says, or None before the first start."""
        try:
            record = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return process.locked(self._directory.parent / f"{self.name}.lock", timeout=180)

    def _stop(self) -> bool:
        running = process.stop(self.pidfile, sign=signal.SIGINT, timeout=30)
        self._end_leftovers()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(_socket_path(self._directory))
        return running

    def _server(self, record: dict[str, Any]) -> PostgresqlServer:
        return PostgresqlServer(
            cluster=self.name,
            host=HOST,
            port=record["port"],
            version=record["version"],
            engine_version=record["engine_version"],
            deployer=Login(DEPLOYER, record["password"]),
            socket_directory=_socket_path(self._directory),
        )

    def _initialized(self, major: int) -> Installation:
        """Make the data directory if there is none; its programs, which its data decides."""
        try:
            return installation(int((self._data / "PG_VERSION").read_text()))
        except FileNotFoundError:
            pass
        programs = installation(major)
        # Renamed when complete, so that an interrupted initdb is never taken for a cluster.
        unfinished = self._directory / "data.unfinished"
        for directory in (unfinished, self._data):
            shutil.rmtree(directory, ignore_errors=True)
        unfinished.mkdir()
        Account.current().own(unfinished)
        answer = subprocess.run(  # noqa: S603 - a program of the wheel
            programs.command(
                "initdb",
                *("--pgdata", unfinished, "--username", SUPERUSER),
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--auth", "reject"),
                *("--data-checksums", "--no-instructions", "--no-sync"),
            ),
            env=_environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise RuntimeError(f"initdb of {self.name} failed:\n{answer.stdout}")
        unfinished.rename(self._data)
        return programs

    def _launch(self, programs: Installation, record: dict[str, Any]) -> None:
        """Start the process and wait until it answers, on its former port where that is free."""
        process.stop(self.pidfile, sign=signal.SIGQUIT)
        self._end_leftovers()
        for attempt in range(3):
            record["port"] = process.free_port(record.get("port") if attempt == 0 else None)
            self._write_record(record)
            self._configure(programs.major, record["port"])
            begin = self.log.stat().st_size if self.log.exists() else 0
            process.start(
                programs.command("postgres", "-D", self._data),
                pidfile=self.pidfile,
                log=self.log,
                environment=_environment(),
            )
            if self._answers(record):
                return
            process.stop(self.pidfile, sign=signal.SIGQUIT)
            with self.log.open("rb") as log:
                log.seek(begin)
                # Another program took the port between the look and the start.
                if b"could not bind" not in log.read():
                    break
        raise process.ServerFailed(f"PostgreSQL for {self.name} did not start", self.log)

    def _configure(self, major: int, port: int) -> None:
        sockets = _socket_path(self._directory)
        _make_private(sockets.parent)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(sockets)
        sockets.mkdir(mode=0o700)
        Account.current().own(sockets)
        for name, text in (
            ("postgresql.conf", configuration(major, port, sockets)),
            ("pg_hba.conf", authentication()),
        ):
            file = self._data / name
            file.write_text(text)
            file.chmod(0o644)

    def _answers(self, record: dict[str, Any]) -> bool:
        """Wait until the server takes connections; False when it has ended or stays silent."""
        dsn = make_conninfo(self._server(record).superuser_dsn, connect_timeout=5)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                psycopg.connect(dsn).close()
            except psycopg.OperationalError:
                if process.find(self.pidfile) is None:
                    return False
                time.sleep(0.02)
            else:
                return True
        return False

    def _end_leftovers(self) -> None:
        """End what still works in the data directory, and forget the postmaster it belonged to.

        Whatever has the directory as its working directory is PostgreSQL's: a postmaster that no
        pidfile names, or backends that outlive a killed one. Once none is left, a `postmaster.pid`
        can only name a process of others, for which PostgreSQL would refuse to start.
        """
        ours = {str(self._data), f"{self._data} (deleted)"}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if str((entry / "cwd").readlink()) in ours and _is_postgres(entry):
                    found = process.of(int(entry.name))
                    if found is not None:
                        found.stop(sign=signal.SIGQUIT, timeout=10)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _write_record(self, record: dict[str, Any]) -> None:
        new = self._record.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(record, indent=2) + "\n")
        new.replace(self._record)


def _prepare_roles(server: PostgresqlServer, programs: Installation) -> None:
    """Make the roles that a cell's database has before any tenant; running it again is harmless.

    What RDS brings is made here. The rest is the very input of the cell's bootstrap job.
    """
    deployer, password = server.deployer
    with psycopg.connect(server.superuser_dsn) as connection:
        existing = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in _RDS_ROLES:
            if role not in existing:
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    answer = subprocess.run(  # noqa: S603 - a program of the wheel
        [programs.programs / "psql", "--no-psqlrc", "--quiet", "--dbname", server.superuser_dsn],
        env=_environment() | {"PGOPTIONS": "-c client_min_messages=warning"},
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
        # A password stands for the IAM token, the attribute for the membership in rds_replication.
        connection.execute(
            sql.SQL("ALTER ROLE {} REPLICATION PASSWORD {}").format(
                sql.Identifier(deployer), sql.Literal(verifier.decode())
            )
        )


def _is_postgres(entry: Path) -> bool:
    return (entry / "cmdline").read_bytes().split(b"\0")[0].split(b":")[0].endswith(b"postgres")


def _socket_path(directory: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return _SOCKETS / f"patchworks-{os.geteuid()}" / digest


def _make_private(directory: Path) -> None:
    """Make a directory that nobody else may enter; refuse one that others put there."""
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if directory.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(
            f"{directory} is not a directory of this user alone; remove it and try again"
        )


def _environment() -> dict[str, str]:
    """What a server needs, and nothing of the user's: PG* variables would change its behaviour."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
