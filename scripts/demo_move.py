"""The second half of the demo: a tenant moves while its application writes, and comes back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import typer
from psycopg.conninfo import make_conninfo

from catalog.load import load
from catalog.tenant import Placement
from rehearsal.stack_poolers import start_poolers
from scripts.exits import ExitCode
from scripts.tables import print_table
from tenant_moves import credentials, entries
from tenant_moves.local import LocalPlatform, Silent
from tenant_moves.slices import key

if TYPE_CHECKING:
    from rehearsal.local_cloud import LocalCloud

TENANT = "brightwater"
CELL = "prod-us-east-1"
ROWS = 200_000
OBJECTS = 300
ATTEMPTS = 3
"""A busy machine may not swap within the pause that is allowed, and then nothing has changed."""

_PATCHWORKS = (sys.executable, "-m", "scripts.main")

_TARGET = f"""placement:
  cell: {CELL}
  database: dedicated
  dedicated:
    engine_version: "18.1"
    instance_class: db.r8g.xlarge
    readers: 1
    backup_region: us-west-2
"""


@dataclass
class Story:
    """A catalog of the demo's own, on the cloud that the first half brought up."""

    root: Path
    """The catalog that is copied; nothing in it is changed."""
    cloud: LocalCloud
    _application: subprocess.Popen[str] | None = field(default=None, init=False)

    @property
    def catalog(self) -> Path:
        """The copy."""
        return self.cloud.root / "demo"

    @property
    def platform(self) -> LocalPlatform:
        """The cloud as a move sees it."""
        return LocalPlatform(load(self.catalog), self.cloud, Silent())

    def copy_catalog(self) -> None:
        """Make the copy, unless an earlier demo did."""
        if not (self.catalog / "organization.yaml").exists():
            for part in ("cells", "tenants"):
                shutil.copytree(self.root / part, self.catalog / part, dirs_exist_ok=True)
            for file in ("google-saml-metadata.xml", "organization.yaml"):
                shutil.copy(self.root / file, self.catalog / file)

    def prepare(self) -> None:
        """Give the tenant something to move."""
        start_poolers(self.cloud, TENANT)
        with psycopg.connect(self._direct(role="brightwater_owner")) as session:
            session.execute("DROP SCHEMA IF EXISTS demo CASCADE")
            session.execute("CREATE SCHEMA demo")
            session.execute("CREATE TABLE demo.entry (number bigint PRIMARY KEY)")
            session.execute(
                "CREATE TABLE demo.invoice (id bigint PRIMARY KEY, customer text, amount numeric)"
            )
            session.execute(
                "INSERT INTO demo.invoice SELECT n, 'customer ' || mod(n, 997), n * 0.17 "
                "FROM generate_series(1, %s) AS n",
                (ROWS,),
            )
        s3, bucket = self._bucket()

        def put(number: int) -> None:
            s3.put_object(Bucket=bucket, Key=f"invoices/{number:04}.txt", Body=b"invoice" * number)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, range(OBJECTS)))

    def begin_writing(self) -> None:
        """Start the application, which comes in by the pooler of the cell that serves now."""
        content = self._secret()
        pooler = start_poolers(self.cloud, TENANT)[self.serving().cell]
        dsn = pooler.dsn(content["dbname"], content["username"], content["password"])
        self._application = subprocess.Popen(
            [sys.executable, "-m", "scripts.demo_application"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        assert self._application.stdin is not None
        self._application.stdin.write(json.dumps({"dsn": dsn}) + "\n")
        self._application.stdin.flush()

    def change_the_line(self) -> str:
        """Declare the tenant elsewhere; the difference."""
        file = self.catalog / f"tenants/{TENANT}.yaml"
        before, _, after = file.read_text().partition("placement:\n")
        old, rest = after.split("\n\n", 1)
        file.write_text(f"{before}{_TARGET}\n{rest}")
        lines = [f"-{line}" for line in old.splitlines()]
        lines += [f"+{line}" for line in _TARGET.splitlines()[1:]]
        return "\n".join([" placement:", *lines])

    def tenant(self, command: str, *arguments: str) -> None:
        """Run `patchworks tenant COMMAND` as a person would; ends the demo where it fails."""
        typer.secho(f"$ patchworks tenant {command} {TENANT} {' '.join(arguments)}", dim=True)
        options = ["--catalog", str(self.catalog), "--state", str(self.cloud.root)]
        for attempt in range(ATTEMPTS):
            if attempt:
                typer.secho("$ and again, when the machine is less busy", dim=True)
            code = subprocess.run(  # noqa: S603 - our own command
                [*_PATCHWORKS, "tenant", command, TENANT, *options, *arguments],
                cwd=Path(__file__).parents[1],
                check=False,
            ).returncode
            if code != ExitCode.ABORTED:
                break
        if code != 0:
            self.stop()
            raise typer.Exit(code)

    def account(self) -> None:
        """Stop the application and account for all it was acknowledged."""
        told = self.stop()
        with psycopg.connect(self._direct()) as session:
            rows = session.execute("SELECT number FROM demo.entry").fetchall()
        there = {row[0] for row in rows}
        lost = [number for number in told["acknowledged"] if number not in there]
        doubled = len(rows) - len(there)
        waits = sorted((took for _, took in told["waits"]), reverse=True)
        print_table(
            ("What the application saw", ""),
            [
                ("it wrote for", f"{told['ended'] - told['began']:.0f} s"),
                ("writes acknowledged", f"{len(told['acknowledged']):,}"),
                ("acknowledged and lost", str(len(lost))),
                ("there twice", str(doubled)),
                ("errors it was told", str(len(told["errors"]))),
                (
                    "its longest waits",
                    ", ".join(f"{took:.2f} s" for took in waits[:3]) or "none above 0.1 s",
                ),
            ],
        )
        if lost or doubled:
            typer.echo("patchworks: writes were lost or doubled", err=True)
            raise typer.Exit(ExitCode.FAULTS)

    def stop(self) -> dict[str, Any]:
        """Let the application end; its account."""
        application, self._application = self._application, None
        if application is None:
            return {}
        out, _ = application.communicate(timeout=300)
        told: dict[str, Any] = json.loads(out)
        return told

    def report(self) -> Path:
        """Write the report of the move as a page."""
        from database_moves import durable, store
        from database_moves.report.document import report
        from database_moves.report.page import page
        from database_moves.state import now
        from tenant_moves.context import store_url

        platform = self.platform
        entry = entries.table(platform.catalog.organization, platform.aws).entry(TENANT)
        assert entry is not None
        assert entry.move is not None
        with durable.reading(store_url(platform, entry.tenant)) as client:
            state = store.load(client, entry.move)
            assert state is not None
            document = report(state, store.samples(client, entry.move), None, now())
        file = self.cloud.root / "move.html"
        file.write_text(page(document), encoding="utf-8")
        return file

    def serving(self) -> Placement:
        """By the ledger; where its stack was brought up, if it has never moved."""
        platform = self.platform
        cell, _, database = platform.exports(TENANT).serving.partition("/")
        return platform.served().get(TENANT) or Placement(cell=cell, database=database)

    def where(self) -> str:
        """The placement that serves, for people."""
        return key(self.serving())

    def _secret(self) -> dict[str, Any]:
        platform = self.platform
        cell = platform.catalog.cells[self.serving().cell]
        client = platform.aws.client("secretsmanager", cell.account, cell.region)
        return credentials.read(client, platform.exports(TENANT).slices[cell.name])

    def _direct(self, role: str | None = None) -> str:
        content = self._secret()
        return make_conninfo(
            host=content["writer_host"],
            port=content["database_port"],
            dbname=content["dbname"],
            user=content["username"],
            password=content["password"],
            **({"options": f"-c role={role}"} if role else {}),
        )

    def _bucket(self) -> tuple[Any, str]:
        platform = self.platform
        at = platform.exports(TENANT).slice(self.serving())
        cell = platform.catalog.cells[at.cell]
        return platform.aws.client("s3", cell.account, cell.region), at.bucket
