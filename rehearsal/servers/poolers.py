"""The local cloud's poolers: one real PgBouncer for each slice of a tenant, where it is installed.

Nothing runs the pods of a slice on this machine, so what its pooler would do is done here, by the
configuration that the pods would get. A directory `<cell>/<tenant>/` holds `pgbouncer.ini`,
`users.txt`, `console.json` (port and the console's password), `pgbouncer.pid` and the log.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from components.kubernetes.pooler_config import user_list
from rehearsal.servers import process
from rehearsal.servers.postgresql_installation import Account

HOST = "127.0.0.1"
START_SECONDS = 120.0
PORTS = 20
"""So many are tried: what is free when one looks may be taken when PgBouncer begins."""
CONSOLE_USER = "patchworks_console"


@dataclass(frozen=True)
class RunningPooler:
    """A PgBouncer that runs, and how it is reached."""

    cell: str
    tenant: str
    port: int
    config: Path
    console_password: str = field(repr=False)

    @property
    def host(self) -> str:
        """Where it listens."""
        return HOST

    @property
    def console_dsn(self) -> str:
        """A conninfo for the console; it holds a password."""
        return self.dsn("pgbouncer", CONSOLE_USER, self.console_password)

    def dsn(self, database: str, user: str, password: str) -> str:
        """A conninfo for a client; it holds the password."""
        return make_conninfo(
            host=HOST, port=self.port, dbname=database, user=user, password=password
        )


PREPARED_STATEMENTS_SINCE = (1, 21)
"""The version of PgBouncer that knows clients' prepared statements when it pools transactions."""


def version(found: str) -> tuple[int, ...]:
    """The version of a PgBouncer; empty where it does not say."""
    answer = subprocess.run(  # noqa: S603 - a fixed command without a shell
        [found, "--version"], capture_output=True, text=True, check=False
    )
    number = re.search(r"PgBouncer (\d+)\.(\d+)", answer.stdout)
    return tuple(map(int, number.groups())) if number else ()


def program() -> str | None:
    """Where PgBouncer is, or None; Debian puts it where only root looks."""
    return shutil.which("pgbouncer", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin")


class Poolers:
    """All poolers below one directory, shared by the commands that name it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    def ensure(
        self,
        cell: str,
        tenant: str,
        *,
        configuration: str,
        users: str,
    ) -> RunningPooler:
        """Start the pooler of a slice, or find it running.

        `configuration` and `users` are the texts of `pgbouncer.ini` and `userlist.txt` as the pods
        get them, for a slice that has none yet: what is there says where the pooler leads now,
        which a move changes, and is kept.
        Raises `LookupError` where PgBouncer is not installed, and `process.ServerFailed`.
        """
        directory = self._directory / cell / tenant
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with process.locked(directory.with_suffix(".lock")):
            return self._ensure(directory, cell, tenant, configuration, users)

    def find(self, cell: str, tenant: str) -> RunningPooler | None:
        """The pooler of a slice if it runs."""
        directory = self._directory / cell / tenant
        if process.find(directory / "pgbouncer.pid") is None:
            return None
        return self._pooler(directory, cell, tenant)

    def cells(self, tenant: str) -> list[str]:
        """The cells in which a pooler of a tenant was ever started and not removed."""
        return sorted(file.parent.parent.name for file in self._directory.glob(f"*/{tenant}/*.ini"))

    def remove(self, cell: str, tenant: str) -> None:
        """Stop the pooler of a slice and forget its configuration; that there is none is fine."""
        directory = self._directory / cell / tenant
        process.stop(directory / "pgbouncer.pid", sign=signal.SIGTERM)
        shutil.rmtree(directory, ignore_errors=True)

    def stop(self) -> int:
        """Stop every pooler, keeping where they lead; how many were running."""
        pidfiles = self._directory.glob("*/*/pgbouncer.pid")
        return sum(process.stop(pidfile, sign=signal.SIGTERM) for pidfile in pidfiles)

    def start(self) -> None:
        """Start every pooler there was before."""
        for config in sorted(self._directory.glob("*/*/pgbouncer.ini")):
            directory = config.parent
            if program() is not None and process.find(directory / "pgbouncer.pid") is None:
                self._launch(directory, directory.parent.name, directory.name)

    def _ensure(
        self,
        directory: Path,
        cell: str,
        tenant: str,
        configuration: str,
        users: str,
    ) -> RunningPooler:
        if process.find(directory / "pgbouncer.pid") is not None:
            return self._pooler(directory, cell, tenant)
        if not (directory / "pgbouncer.ini").exists():
            port, password = process.free_port(), secrets.token_urlsafe(24)
            self._own(directory)
            self._note(directory, port, password)
            self._write(directory / "users.txt", user_list({CONSOLE_USER: password}) + users)
            # Last, for it says that all of them are there.
            self._write(directory / "pgbouncer.ini", _local(configuration, directory, port))
        return self._launch(directory, cell, tenant)

    def _pooler(self, directory: Path, cell: str, tenant: str) -> RunningPooler:
        record = json.loads((directory / "console.json").read_text())
        return RunningPooler(
            cell, tenant, record["port"], directory / "pgbouncer.ini", record["password"]
        )

    def _note(self, directory: Path, port: int, password: str) -> None:
        record = {"port": port, "password": password}
        self._write(directory / "console.json", json.dumps(record))

    def _launch(self, directory: Path, cell: str, tenant: str) -> RunningPooler:
        """Start a pooler on its former port, or on another one where that was taken meanwhile."""
        found = program()
        if found is None:
            raise LookupError("PgBouncer is not installed (Debian and Ubuntu: pgbouncer)")
        log = directory / "pgbouncer.log"
        for _ in range(PORTS):
            pooler = self._pooler(directory, cell, tenant)
            _listen(pooler)
            begin = log.stat().st_size if log.exists() else 0
            # One that can't listen may have ended before it is seen: its log says why.
            with contextlib.suppress(process.ServerFailed):
                process.start(
                    [*Account.current().prefix, found, pooler.config],
                    pidfile=directory / "pgbouncer.pid",
                    log=log,
                    environment={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                )
            if _answers(pooler):
                return pooler
            process.stop(directory / "pgbouncer.pid")
            if b"Address already in use" not in log.read_bytes()[begin:]:
                break
            self._note(directory, process.free_port(), pooler.console_password)
        raise process.ServerFailed("PgBouncer did not start", log)

    def _own(self, directory: Path) -> None:
        if os.geteuid() == 0:
            Account.current().own(directory)

    def _write(self, file: Path, text: str) -> None:
        number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        with os.fdopen(number, "w") as written:
            written.write(text)
        account = Account.current()
        if os.geteuid() == 0:
            os.chown(name, account.user, account.group)
        Path(name).replace(file)


def _listen(pooler: RunningPooler) -> None:
    """Have the configuration say the pooler's port; in place, so that its owner stays."""
    text = pooler.config.read_text()
    line = f"listen_port = {pooler.port}"
    changed = re.sub(r"^listen_port = \d+$", line, text, flags=re.MULTILINE)
    if changed != text:
        pooler.config.write_text(changed)


def _answers(pooler: RunningPooler) -> bool:
    """Wait until the console lets one in; False where the pooler has ended or stays silent."""
    pidfile = pooler.config.with_name("pgbouncer.pid")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            psycopg.connect(pooler.console_dsn, autocommit=True, connect_timeout=10).close()
        except psycopg.OperationalError:
            if process.find(pidfile) is None:
                return False
            time.sleep(0.02)
        else:
            # Where another took the port, it is not this pooler that answers.
            return process.find(pidfile) is not None
    return False


def _local(configuration: str, directory: Path, port: int) -> str:
    """The pods' configuration as a process on this machine can run it: loopback, and no TLS."""
    found = program()
    replaced: dict[str, str | None] = {
        "listen_addr": HOST,
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_file": str(directory / "users.txt"),
        "server_tls_sslmode": "disable",
        "server_tls_ca_file": None,
        "server_tls_protocols": None,
        # Here the servers share a machine with all else, which may keep them waiting.
        "server_connect_timeout": "60",
        "unix_socket_mode": None,
    }
    if found is not None and version(found) < PREPARED_STATEMENTS_SINCE:
        replaced["max_prepared_statements"] = None
    lines = []
    for line in configuration.splitlines():
        key = line.partition(" = ")[0]
        if key not in replaced:
            lines.append(line)
        elif replaced[key] is not None:
            lines.append(f"{key} = {replaced[key]}")
    return "\n".join([*lines, f"admin_users = {CONSOLE_USER}"]) + "\n"
