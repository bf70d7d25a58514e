"""One tenant, moved by the command as people run it, with clients that write all the time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from journeys import ROOT, Journey, environment
from kit.workload import Audit, Workload
from psycopg.conninfo import make_conninfo

from rehearsal.stack_poolers import start_poolers
from tenant_moves import credentials
from tenant_moves.local import LocalPlatform, Silent
from tenant_moves.slices import key
from tenant_moves.verify import Finding, verify

if TYPE_CHECKING:
    from pathlib import Path

TENANT = "brightwater"
IRELAND = "prod-eu-west-1"
VIRGINIA = "prod-us-east-1"
CLIENTS = 2


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    error: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class TenantJourney(Journey):
    """A tenant between two cells."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, lambda name: name in (IRELAND, VIRGINIA, TENANT))
        self.directory = directory
        self._runs = 0

    @property
    def platform(self) -> LocalPlatform:
        return LocalPlatform(self.load(), self.cloud, Silent())

    def declare(self, cell: str, database: str) -> None:
        """Change the one line, or two."""
        file = self.catalog / f"tenants/{TENANT}.yaml"
        before, _, after = file.read_text().partition("placement:\n")
        rest = after[after.index("\n\n") :]
        file.write_text(f"{before}placement:\n  cell: {cell}\n  database: {database}{rest}")

    def tenant(self, command: str, *arguments: str, kill_at: str | None = None) -> Ran:
        """Run `patchworks tenant COMMAND` on the tenant to its end, or to the kill."""
        line = [
            *("-m", "scripts.main", "tenant", command, TENANT),
            *("--catalog", str(self.catalog), "--state", str(self.state), *arguments),
        ]
        if command != "status":
            line.append("--yes")
        settings = environment()
        if kill_at is not None:
            settings["PATCHWORKS_TEST_KILL_AT"] = kill_at
        done = subprocess.run(
            [sys.executable, *line],
            cwd=ROOT,
            env=settings,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def install(self) -> None:
        """Start the poolers and make the application's tables, as its migration would."""
        start_poolers(self.cloud, TENANT)
        workload = Workload(self.directory / "installed", direct=[""] * CLIENTS)
        owner = make_conninfo(self._direct(), options="-c role=brightwater_owner")
        workload.install(owner)
        with psycopg.connect(owner) as session:
            session.execute("GRANT TRUNCATE ON workload.scratch TO brightwater_app")

    def workload(self, cell: str = IRELAND, pace: float = 0.03) -> Workload:
        """Clients that come in by one cell's pooler, and have written nothing yet."""
        self._runs += 1
        with psycopg.connect(self._direct(), autocommit=True) as session:
            for table in ("entries", "churn", "lines", "orders", "tickets", "scratch"):
                session.execute(f"DELETE FROM workload.{table}".encode())
            session.execute("UPDATE workload.counters SET n = 0")
        pooler = start_poolers(self.cloud, TENANT)[cell]
        content = self.secret()
        dsn = pooler.dsn(content["dbname"], content["username"], content["password"])
        return Workload(
            self.directory / f"run-{self._runs}", pooled=[dsn] * CLIENTS, pace=pace, seed=self._runs
        )

    def account(self, workload: Workload) -> Audit:
        """Stop the clients and see that every acknowledged write is there exactly once."""
        workload.stop()
        audit = workload.audit(self._direct())
        assert audit.lost == ()
        assert audit.doubled == ()
        return audit

    def secret(self) -> dict[str, Any]:
        """What the serving slice's secret says."""
        exports = self.platform.exports(TENANT)
        serving = self.platform.served().get(TENANT)
        cell = self.load().cells[serving.cell if serving else exports.serving.partition("/")[0]]
        client = self.cloud.aws("secretsmanager", cell.account, cell.region)
        return credentials.read(client, exports.slices[cell.name])

    def serving(self) -> str:
        """By the ledger."""
        return key(self.platform.served()[TENANT])

    def disagreeing(self) -> list[Finding]:
        """What the consistency checker finds wrong."""
        return [finding for finding in verify(self.platform, TENANT) if not finding.agrees]

    def _direct(self) -> str:
        content = self.secret()
        return make_conninfo(
            host=content["writer_host"],
            port=content["database_port"],
            dbname=content["dbname"],
            user=content["username"],
            password=content["password"],
        )
