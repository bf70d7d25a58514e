"""One tenant, moved by the command as people run it, with clients that write all the time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from journeys import ROOT, Journey, environment
from kit.workload import Audit, Workload
from pretending import pretended_extension
from psycopg.conninfo import make_conninfo

from database_moves.crash_points import VARIABLE
from rehearsal.servers import process
from rehearsal.stack_poolers import start_poolers
from tenant_moves import credentials, entries
from tenant_moves.local import LocalPlatform, Silent
from tenant_moves.slices import key
from tenant_moves.verify import Finding, verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stacks.ledger_table import Entry, LedgerTable

TENANT = "brightwater"
IRELAND = "prod-eu-west-1"
VIRGINIA = "prod-us-east-1"
CLIENTS = 2
MAX_PAUSE = 60.0
"""Seconds: on a machine that stands still for some of them, the usual five would undo the move."""


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

    program: tuple[str, ...] = ("-m", "scripts.main")

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, lambda name: name in (IRELAND, VIRGINIA, TENANT))
        self.directory = directory
        self._runs = 0
        self._further: dict[str, str] = {}

    @property
    def where(self) -> tuple[str, ...]:
        """The options that say which catalog, and which cloud."""
        return ("--catalog", str(self.catalog), "--state", str(self.state))

    def settings(self) -> dict[str, str]:
        """The environment of a command."""
        return environment()

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
        line = [*self.program, "tenant", command, TENANT, *self.where, *arguments]
        if command != "status":
            line.append("--yes")
        if command in ("move", "rollback"):
            line += ["--max-pause", str(MAX_PAUSE)]
        done = subprocess.run(
            [sys.executable, *line],
            cwd=ROOT,
            env=self.settings() | self._further | ({VARIABLE: kill_at} if kill_at else {}),
            capture_output=True,
            text=True,
            timeout=1200,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def settle(self, cell: str, database: str) -> None:
        """Have one place serve alone, whatever tests before did: each stands by itself."""
        entry = self._ledger().entry(TENANT)
        if entry is not None and entry.move is not None:
            ended = self.tenant("finish")
            # What has not been cut over yet is given up.
            assert ended.code == 0 or self.tenant("rollback").code == 0, ended
        self.declare(cell, database)
        if self.serving() != f"{cell}/{database}":
            self.well("move", "--allow-older-target")
            self.well("finish")

    def soak(self, source: tuple[str, str], target: tuple[str, str]) -> None:
        """Have the tenant moved, and the move not finished."""
        entry = self._ledger().entry(TENANT)
        sides = None
        if entry is not None and entry.move is not None and entry.keeps is not None:
            sides = (key(entry.keeps), key(entry.placement))
        if sides != ("/".join(source), "/".join(target)):
            self.settle(*source)
            self.declare(*target)
            self.well("move", "--allow-older-target")

    def well(self, command: str, *arguments: str) -> Any:
        """Run a command that has to go well; what it prints as JSON."""
        ran = self.tenant(command, "--json", *arguments)
        assert ran.code == 0, (command, ran.out, ran.error)
        return ran.json

    def install(self) -> None:
        """Start the poolers and make the application's tables, as its migration would."""
        self.pooled(IRELAND)
        workload = Workload(self.directory / "installed", direct=[""] * CLIENTS)
        owner = make_conninfo(self._direct(), options="-c role=brightwater_owner")
        workload.install(owner)
        with psycopg.connect(owner) as session:
            session.execute("GRANT TRUNCATE ON workload.scratch TO brightwater_app")

    def s3(self, cell: str) -> tuple[Any, str]:
        """A client, and the name of the tenant's bucket in a cell."""
        found = self.load().cells[cell]
        return self.cloud.aws("s3", found.account, found.region), f"halyard-{cell}-{TENANT}"

    def objects(self, cell: str) -> dict[str, tuple[bytes, dict[str, str], str]]:
        """Body, metadata and content type of every object in a cell's bucket, by key."""
        s3, bucket = self.s3(cell)
        found = {}
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for item in page.get("Contents", ()):
                answer = s3.get_object(Bucket=bucket, Key=item["Key"])
                body = answer["Body"].read()
                found[item["Key"]] = (body, answer["Metadata"], answer["ContentType"])
        return found

    def peered(self) -> list[str]:
        """Which kinds of ways the networks of the two cells have to one another, if any."""
        cell = self.load().cells[IRELAND]
        ec2 = self.cloud.aws("ec2", cell.account, cell.region)
        connections = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
        active = {
            each["VpcPeeringConnectionId"]
            for each in connections
            if each["Status"]["Code"] == "active"
        }
        routes = [
            route
            for table in ec2.describe_route_tables()["RouteTables"]
            for route in table["Routes"]
            if route.get("VpcPeeringConnectionId")
        ]
        rules = [
            rule
            for rule in ec2.describe_security_group_rules()["SecurityGroupRules"]
            if "while a tenant is in both cells" in rule.get("Description", "")
        ]
        assert {each["VpcPeeringConnectionId"] for each in routes} <= active
        found = {"connection": active, "routes": routes, "rules": rules}
        return [name for name, there in found.items() if there]

    def secrets(self, cell: str) -> Any:
        found = self.load().cells[cell]
        return self.cloud.aws("secretsmanager", found.account, found.region)

    def kept_nowhere(self, secret: str) -> bool:
        """Whether no file of a move has it."""
        wanted = secret.encode()
        for home, _, names in os.walk(self.state / "moves"):
            for name in names:
                # A guard that ends may take its own files along.
                with contextlib.suppress(FileNotFoundError):
                    if wanted in Path(home, name).read_bytes():
                        return False
        return True

    def workload(self, cell: str = IRELAND, pace: float = 0.1) -> Workload:
        """Clients that come in by one cell's pooler, and have written nothing yet."""
        self._runs += 1
        with psycopg.connect(self._direct(), autocommit=True) as session:
            for table in ("entries", "churn", "lines", "orders", "tickets", "scratch"):
                session.execute(f"DELETE FROM workload.{table}".encode())
            session.execute("UPDATE workload.counters SET n = 0")
        return Workload(
            self.directory / f"run-{self._runs}",
            pooled=self.pooled(cell),
            pace=pace,
            seed=self._runs,
        )

    def pooled(self, cell: str) -> list[str]:
        """How each client comes in, by the pooler of a cell, which is started where it was not."""
        pooler = start_poolers(self.cloud, TENANT)[cell]
        content = self.secret()
        return [pooler.dsn(content["dbname"], content["username"], content["password"])] * CLIENTS

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
        """By the ledger; where its stack was brought up, if it has never moved."""
        served = self.platform.served().get(TENANT)
        return key(served) if served is not None else self.platform.exports(TENANT).serving

    def entry(self) -> Entry:
        """The ledger's."""
        found = self._ledger().entry(TENANT)
        assert found is not None
        return found

    def history(self) -> list[Entry]:
        return self._ledger().history(TENANT)

    def _ledger(self) -> LedgerTable:
        platform = self.platform
        return entries.table(platform.catalog.organization, platform.aws)

    @contextlib.contextmanager
    def under(self, further: dict[str, str]) -> Iterator[None]:
        """While it lasts, commands have these variables, too."""
        self._further = further
        try:
            yield
        finally:
            self._further = {}

    @contextlib.contextmanager
    def without_server(self, cluster: str, sign: signal.Signals = signal.SIGINT) -> Iterator[None]:
        """While it lasts, a database server of the cell is down; `sign` is what ended it."""
        version = self.cloud.postgresql.recorded()[cluster]
        process.stop(self.state / "postgresql" / cluster / "server.pid", sign=sign)
        try:
            yield
        finally:
            self.cloud.postgresql.ensure(cluster, version)

    @contextlib.contextmanager
    def edited(self, file: str, *replacements: tuple[str, str]) -> Iterator[None]:
        before = (self.catalog / file).read_text()
        self.edit(file, *replacements)
        try:
            yield
        finally:
            (self.catalog / file).write_text(before)

    @contextlib.contextmanager
    def with_stack_at(self, journal: str) -> Iterator[None]:
        """While it lasts, the tenant's stack was only brought up so far; empty is not at all."""
        path = self.cloud.stack_state(f"tenant.{TENANT}")
        kept = path.rename(path.with_suffix(".kept"))
        if journal:
            path.write_text(journal)
        try:
            yield
        finally:
            kept.replace(path)

    @contextlib.contextmanager
    def pretended_extension(self, name: str) -> Iterator[None]:
        """While it lasts, the tenant's database says that it has an extension."""
        at = self.platform.exports(TENANT).database(self.platform.served()[TENANT])
        server = self.cloud.postgresql.find(at.writer_endpoint, at.port)
        dsn = make_conninfo(server.superuser_dsn, dbname=at.database)
        with (
            psycopg.connect(dsn, autocommit=True) as session,
            pretended_extension(session, name),
        ):
            yield

    def wait_until_agreeing(self, timeout: float = 600.0) -> None:
        """A guard that settles an attempt does so within moments."""
        deadline = time.monotonic() + timeout
        while found := self.disagreeing():
            assert time.monotonic() < deadline, found
            time.sleep(0.3)

    def begin_tenant(self, command: str) -> subprocess.Popen[bytes]:
        line = [*self.program, "tenant", command, TENANT, *self.where, "--yes"]
        line += ["--max-pause", str(MAX_PAUSE)]
        return subprocess.Popen(
            [sys.executable, *line],
            cwd=ROOT,
            env=self.settings(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

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
