"""Pods of a pooler on this machine: a PgBouncer each, run from a copy of the Secret as pods do."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from components.kubernetes.pooler_config import DIRECTORY, PORT
from rehearsal.servers.poolers import PREPARED_STATEMENTS_SINCE, program, version
from rehearsal.servers.postgresql_installation import Account, installation

# What differs on this machine comes after what the pod has, and holds. The section goes on: where
# it began anew, PgBouncer would take all else in it for unset.
WRAPPER = """%include {directory}/pgbouncer.ini
listen_addr = {address}
unix_socket_dir = {directory}
auth_file = {directory}/userlist.txt
server_tls_sslmode = disable
server_tls_ca_file =
query_wait_timeout = 120
server_connect_timeout = 60
"""


@dataclass
class PoolerPod:
    """One pod; its address on the loopback is its own, its directory stands for its mount."""

    name: str
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="pod-")))
    address: str = field(
        default_factory=lambda: ".".join(["127", *(str(random.randint(2, 250)) for _ in "abc")])
    )
    process: subprocess.Popen[bytes] | None = None

    def start(self, secret: dict[str, str]) -> None:
        """Copy what the Secret has, and run from the copy."""
        found = program()
        assert found is not None
        files = {**secret, "wrapper.ini": WRAPPER.format(**self.__dict__)}
        files["pgbouncer.ini"] = understood(files["pgbouncer.ini"])
        for name, text in files.items():
            (self.directory / name).write_text(text)
        account = Account.current()
        if os.geteuid() == 0:
            for path in (self.directory, *self.directory.iterdir()):
                os.chown(path, account.user, account.group)
        self.process = subprocess.Popen(
            [found, self.directory / "wrapper.ini"],
            stdout=subprocess.DEVNULL,
            stderr=(self.directory / "log").open("ab"),
            **as_account(),
        )
        deadline = time.monotonic() + 300
        while not (self.directory / f".s.PGSQL.{PORT}").exists():
            assert self.process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def dsn(self, database: str, user: str, password: str) -> str:
        return make_conninfo(
            host=self.address, port=PORT, dbname=database, user=user, password=password
        )

    def leads_to(self, database: str, user: str, password: str) -> int:
        """The port of the server that a client of the pod ends up at."""
        with psycopg.connect(self.dsn(database, user, password)) as session:
            row = session.execute("SELECT inet_server_port()").fetchone()
        assert row is not None
        return int(row[0])

    def run(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Run a command as the pod's own user, in its mount."""
        words = [word.replace(DIRECTORY, str(self.directory)) for word in command]
        programs = installation(16).programs
        return subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": f"{programs}:{os.defpath}", "LC_ALL": "C.UTF-8"},
            cwd="/",
            **as_account(),
        )

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def understood(configuration: str) -> str:
    """A configuration without what this machine's PgBouncer is too old for."""
    found = program()
    assert found is not None
    if version(found) >= PREPARED_STATEMENTS_SINCE:
        return configuration
    lines = configuration.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("max_prepared_statements"))


def as_account() -> dict[str, int]:
    account = Account.current()
    return {"user": account.user, "group": account.group} if os.geteuid() == 0 else {}
