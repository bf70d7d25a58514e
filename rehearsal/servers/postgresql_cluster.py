"""One local PostgreSQL server: its directory, its process, its roles.

A cluster's directory holds `data/` (PostgreSQL's own), `server.json` (port, engine version,
passwords), `server.pid` and `server.log`. All of it is written under the cluster's lock.
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
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from components.postgresql.deployer import DEPLOYER, MOVER
from rehearsal.servers import process
from rehearsal.servers.postgresql_installation import (
    Account,
    Installation,
    installation,
    nearest_major,
)
from rehearsal.servers.postgresql_roles import prepare_roles, roles_digest
from rehearsal.servers.postgresql_server import SUPERUSER, Login, PostgresqlServer
from rehearsal.servers.postgresql_settings import authentication, configuration

HOST = "127.0.0.1"

START_SECONDS = 180.0
"""How long a start may take; recovery after a kill replays at most `max_wal_size`."""

UNFINISHED = "data.unfinished"
LOG_BYTES = 10_000_000
"""A log longer than this is begun anew at the next start."""

# A unix socket's path has at most 107 bytes, and a clone may lie deeper than that.
_SOCKETS = Path("/tmp")  # noqa: S108 - its directory there is checked to be ours alone


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
            # As the bootstrap job draws it: letters and digits.
            record.setdefault("mover_password", secrets.token_hex(20))
            record["engine_version"] = engine_version
            programs = self._initialized(nearest_major(engine_version))
            record["version"] = programs.version
            if process.find(self.pidfile) is None or not self._answers(record):
                self._launch(programs, record)
            else:
                self._write_record(record)
            server = self._server(record)
            prepared = roles_digest(server)
            if record.get("prepared") != prepared:
                prepare_roles(server, programs, _environment())
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
        return process.locked(self._directory.parent / f"{self.name}.lock", timeout=600)

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
            mover=Login(MOVER, record.get("mover_password", "")),
            socket_directory=_socket_path(self._directory),
        )

    def _initialized(self, major: int) -> Installation:
        """Make the data directory if there is none; its programs, which its data decides."""
        for half in self._directory.glob(f"{UNFINISHED}*"):
            shutil.rmtree(half, ignore_errors=True)
        try:
            return installation(int((self._data / "PG_VERSION").read_text()))
        except FileNotFoundError:
            pass
        programs = installation(major)
        shutil.rmtree(self._data, ignore_errors=True)
        # Renamed when complete, so that an interrupted initdb is never taken for a cluster. Each
        # has a directory of its own: one that was interrupted may still be writing into its own.
        unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self._directory))
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
        preferred = record.get("port")
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.unlink()
        for _ in range(20):
            record["port"] = process.free_port(preferred)
            self._write_record(record)
            self._configure(programs.major, record["port"])
            begin = self.log.stat().st_size if self.log.exists() else 0
            # One that can't listen may have ended before it is seen: its log says why.
            with contextlib.suppress(process.ServerFailed):
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
                said = log.read()
            if b"could not bind" in said:
                # Another program took the port between the look and the start.
                preferred = None
            elif b"pre-existing shared memory block" in said:
                # Backends of a killed server have not noticed yet.
                time.sleep(0.5)
            else:
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
        """End what still works on the data, and forget the postmaster it belonged to.

        That is a postmaster that no pidfile names, or backends that outlive a killed one. With
        none left, a `postmaster.pid` can only name a process of others, for which PostgreSQL would
        refuse to start.
        """
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self._works_on_data(entry):
                found = process.of(int(entry.name))
                if found is not None:
                    found.stop(sign=signal.SIGQUIT, timeout=10)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _works_on_data(self, entry: Path) -> bool:
        """Whether a directory of `/proc` is that of a PostgreSQL process of this cluster."""
        data = os.fsencode(self._data)
        try:
            command = (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            if command[0].endswith(b"postgres") and command[-2:] == [b"-D", data]:
                return True
            # A backend's title tells no directory; where it works is not shown in a container.
            return command[0].startswith(b"postgres:") and os.fsencode(
                (entry / "cwd").readlink()
            ) in (data, data + b" (deleted)")
        except OSError:
            return False

    def _write_record(self, record: dict[str, Any]) -> None:
        new = self._record.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(record, indent=2) + "\n")
        new.replace(self._record)


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
