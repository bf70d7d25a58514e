"""Small tenants of one cell, clients that write to each, and workers that take them elsewhere."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
from journeys import ROOT, Journey, environment
from kit.servers import Servers
from kit.workload import Workload
from pretending import pretended_extension
from psycopg import sql
from psycopg.conninfo import make_conninfo

from rehearsal.stack_poolers import start_poolers
from tenant_moves import credentials, entries
from tenant_moves.local import LocalPlatform, Silent
from tenant_moves.slices import key
from tenant_moves.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

IRELAND = "prod-eu-west-1"
VIRGINIA = "prod-us-east-1"
CONNECTIONS = 5
"""Of each tenant's application: a server of the local cloud takes some 2,000 in all."""
STORE_PASSWORD = 'p\'w "x" %41@:/$;ü'


_HOLDERS = """
SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND a.application_name LIKE %s
"""


@dataclass
class Movers:
    """How many processes held a tenant's lease at once."""

    at_most: int = 0


class FleetJourney(Journey):
    """Tenants that share a database server, and the queue that workers share."""

    def __init__(self, directory: Path, tenants: Sequence[str]) -> None:
        super().__init__(directory, lambda name: name in (IRELAND, VIRGINIA, "brightwater"))
        self.directory = directory
        self.tenants = tuple(tenants)
        template = self.catalog / "tenants/brightwater.yaml"
        for tenant in tenants:
            (self.catalog / f"tenants/{tenant}.yaml").write_text(
                _small(template.read_text(), tenant)
            )
        template.unlink()
        self._stores = Servers(directory / "store")
        self.url = store(self._stores)
        (directory / "store-url").write_text(self.url)
        self._workers: list[subprocess.Popen[str]] = []

    @classmethod
    def found(cls, directory: Path) -> FleetJourney:
        """One that another process has made in a directory, and whose servers still run."""
        journey = cls.__new__(cls)
        journey.directory = directory
        journey.catalog, journey.state = directory / "catalog", directory / "state"
        journey.tenants = tuple(journey.load().tenants)
        journey._stores = Servers(directory / "store")
        journey.url = (directory / "store-url").read_text()
        journey._workers = []
        return journey

    @property
    def platform(self) -> LocalPlatform:
        return LocalPlatform(self.load(), self.cloud, Silent())

    def install(self) -> None:
        """Start the poolers, and make the tables of each tenant's application."""
        for tenant in self.tenants:
            start_poolers(self.cloud, tenant)
            owner = make_conninfo(self.direct(tenant), options=f"-c role={_role(tenant, 'owner')}")
            Workload(self.directory / "installed", direct=[""]).install(owner)
            with psycopg.connect(owner) as session:
                session.execute(
                    sql.SQL("GRANT TRUNCATE ON workload.scratch TO {}").format(
                        sql.Identifier(_role(tenant, "app"))
                    )
                )

    def workloads(
        self, tenants: Sequence[str] | None = None, pace: float = 0.3
    ) -> dict[str, Workload]:
        """A client of each tenant, which comes in by the pooler of the cell that it is to leave."""
        found = {}
        for number, tenant in enumerate(tenants or self.tenants):
            pooler = start_poolers(self.cloud, tenant)[IRELAND]
            content = self.secret(tenant)
            dsn = pooler.dsn(content["dbname"], content["username"], content["password"])
            found[tenant] = Workload(
                self.directory / f"run-{tenant}", pooled=[dsn], pace=pace, seed=number
            )
        return found

    def direct(self, tenant: str) -> str:
        """Past the pooler, to the database that serves."""
        content = self.secret(tenant)
        return make_conninfo(
            host=content["writer_host"],
            port=content["database_port"],
            dbname=content["dbname"],
            user=content["username"],
            password=content["password"],
        )

    def secret(self, tenant: str) -> dict[str, Any]:
        exports = self.platform.exports(tenant)
        serving = self.platform.served().get(tenant)
        cell = self.load().cells[serving.cell if serving else exports.serving.partition("/")[0]]
        client = self.cloud.aws("secretsmanager", cell.account, cell.region)
        return credentials.read(client, exports.slices[cell.name])

    def serving(self, tenant: str) -> str:
        return key(self.platform.served()[tenant])

    def in_a_move(self, tenant: str) -> bool:
        """Whether the ledger names a move of it."""
        platform = self.platform
        entry = entries.table(platform.catalog.organization, platform.aws).entry(tenant)
        assert entry is not None
        return entry.move is not None

    def has_database(self, tenant: str, cell: str) -> bool:
        """Whether a cell's shared server has a database of the tenant's name."""
        server = self.cloud.postgresql.find(f"{cell}-pool-a.local", 0)
        with psycopg.connect(server.superuser_dsn) as session:
            name = self.secret(tenant)["dbname"]
            found = session.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
            return found.fetchone() is not None

    def disagreeing(self, tenant: str) -> list[str]:
        """What the consistency checker finds wrong."""
        found = verify(self.platform, tenant)
        return [f"{each.part} {each.text}" for each in found if not each.agrees]

    def evacuated(self, cell: str, to: str) -> dict[str, str]:
        """Write the placements, and say where each tenant was."""
        arguments = ("--to", to, "--yes", "--json", "--catalog", str(self.catalog))
        ran = self.patchworks("cell", "evacuate", cell, *arguments)
        assert ran.returncode == 0, ran.stderr
        return {each["tenant"]: each["source"] for each in json.loads(ran.stdout)["tenants"]}

    def enqueue(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # On a machine that stands still for some seconds, the usual five would undo a move.
        options = ("--yes", "--max-pause", "60")
        return self.patchworks("moves", "enqueue", *options, *arguments, cloud=True)

    def begin_watching(self) -> subprocess.Popen[str]:
        """Watch the board as long as there is something to see."""
        return subprocess.Popen(
            self._line("moves", "status", "--watch", cloud=False),
            cwd=ROOT,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextlib.contextmanager
    def pretended_extension(self, tenant: str, name: str) -> Iterator[None]:
        """While it lasts, the tenant's database says that it has an extension."""
        with self._superuser(tenant) as session, pretended_extension(session, name):
            yield

    @contextlib.contextmanager
    def counting_movers(self, tenant: str) -> Iterator[Movers]:
        """Count, again and again, the sessions that hold the tenant's lease."""
        movers, stopped = Movers(), threading.Event()

        def count() -> None:
            while not stopped.wait(0.02):
                row = session.execute(_HOLDERS, (f"%tenant {tenant}",)).fetchone()
                assert row is not None
                movers.at_most = max(movers.at_most, row[0])

        # Not in the tenant's database, where a superuser's session is in the way of its move.
        with self._superuser(tenant, "postgres") as session:
            thread = threading.Thread(target=count, daemon=True)
            thread.start()
            try:
                yield movers
            finally:
                stopped.set()
                thread.join()

    def _superuser(self, tenant: str, database: str | None = None) -> psycopg.Connection[Any]:
        at = self.platform.exports(tenant).databases[f"{IRELAND}/pool-a"]
        server = self.cloud.postgresql.find(at.writer_endpoint, at.port)
        dsn = make_conninfo(server.superuser_dsn, dbname=database or at.database)
        return psycopg.connect(dsn, autocommit=True)

    def patchworks(self, *arguments: str, cloud: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command of the queue to its end."""
        return subprocess.run(
            self._line(*arguments, cloud=cloud),
            cwd=ROOT,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=900,
        )

    def worker(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Start a worker, which ends with the test at the latest."""
        self._workers.append(
            subprocess.Popen(
                self._line("worker", *arguments, cloud=True),
                cwd=ROOT,
                env=self._environment() | settings,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return self._workers[-1]

    def board(self) -> dict[str, Any]:
        """What `patchworks moves status --json` says."""
        ran = self.patchworks("moves", "status", "--json")
        assert ran.returncode == 0, ran.stderr
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    def states(self) -> dict[str, str]:
        return {entry["order"]["tenant"]: entry["state"] for entry in self.board()["entries"]}

    def stop(self) -> None:
        """End what is still there."""
        for worker in self._workers:
            worker.kill()
            worker.wait()
        self._stores.cloud.stop()
        self.cloud.stop()

    def _line(self, *arguments: str, cloud: bool) -> list[str]:
        options = ["--catalog", str(self.catalog), "--state", str(self.state)] if cloud else []
        return [sys.executable, "-m", "scripts.main", *arguments, *options]

    def _environment(self) -> dict[str, str]:
        return environment() | {"PATCHWORKS_DATABASE_URL": self.url}


def store(servers: Servers) -> str:
    """The URL of a new database for the queue, whose owner has a password that is hard to quote."""
    server = servers.start(18)
    with psycopg.connect(server.superuser_dsn, autocommit=True) as session:
        made = sql.SQL("CREATE ROLE queue LOGIN PASSWORD {}").format(sql.Literal(STORE_PASSWORD))
        session.execute(made)
        session.execute("CREATE DATABASE queue OWNER queue")
    password = quote(STORE_PASSWORD, safe="")
    return f"postgresql://queue:{password}@{server.host}:{server.port}/queue"


def lines(worker: subprocess.Popen[str]) -> Iterator[str]:
    """What a worker says, as it says it."""
    assert worker.stdout is not None
    for line in worker.stdout:
        yield line.rstrip("\n")


def _small(text: str, tenant: str) -> str:
    """Another tenant like the shipped one, with one service, and so small that many fit."""
    head, _, rest = text.partition("  designer:\n")
    _, _, tail = rest.partition("\nquota:")
    text = f"{head}\nquota:{tail}".replace("display_name: Brightwater", "display_name: Small")
    text = text.replace("connections: 80", f"connections: {CONNECTIONS}")
    return text.replace("brightwater", tenant)


def _role(tenant: str, what: str) -> str:
    return f"{tenant.replace('-', '_')}_{what}"
