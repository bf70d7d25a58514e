"""One tenant, moved on AWS as far as this machine can be AWS, by the command as people run it.

The command, its credentials and the platform are those of AWS. AWS is moto, which enforces IAM; two
pods of the pooler in each cell are PgBouncers behind an API server of the tests' own; databases are
real and have no TLS. Pulumi's CLI is recorded: see `rehearsing_cli`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import iam_enforced
import moto_enforcing
from aws_command import STATE
from cluster_kit import ClusterApi
from journeys import ROOT
from pods_kit import PoolerPod, understood
from rehearsing_cli import RehearsingCli
from tenant_journey import IRELAND, TENANT, VIRGINIA, TenantJourney

from catalog import names
from components.aws.ci_roles import deploy_role, mover_role
from components.aws.shared_role import shared_role
from rehearsal.servers import moto, process
from rehearsal.stack_poolers import declared_poolers
from stacks.programs import stack_names
from tenant_moves.aws_platform import STACK_PROFILE

if TYPE_CHECKING:
    from catalog.cell import Cell

HERE = Path(__file__).parent
PODS = ("pooler-0", "pooler-1")
CELLS = (IRELAND, VIRGINIA)
PEERING = f"peering.{IRELAND}.{VIRGINIA}"
"""The stack that a person has made once."""


class AwsJourney(TenantJourney):
    """A tenant in Ireland, and a cell in Virginia to go to."""

    program = (str(HERE / "aws_command.py"),)

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        catalog = self.load()
        self._turn = threading.Lock()
        self._applied: dict[str, dict[str, str]] = {}
        self.overwritten: list[str] = []
        """Where an update of the stack found another Secret than it declares."""
        self.clusters = {name: self._cluster(catalog.cells[name]) for name in CELLS}
        self._start_moto()
        self.rehearse()
        self._fill_logins()
        made = [*stack_names(catalog), PEERING]
        self.cli = RehearsingCli(directory / "bin", self.cloud, made)
        self._mover = self._take_roles()
        self.install()

    @property
    def where(self) -> tuple[str, ...]:
        """The catalog as a checkout, and AWS."""
        return ("--catalog", str(self.catalog), "--engine", "pulumi")

    def settings(self) -> dict[str, str]:
        """The mover's credentials at hand, and the deploy role's as a profile."""
        inherited = {k: v for k, v in super().settings().items() if not k.startswith("AWS_")}
        return inherited | self._mover

    def pooled(self, cell: str) -> list[str]:
        """One client by each pod of a cell."""
        self.settle_cluster(cell)
        content = self.secret()
        return [
            pod.dsn(content["dbname"], content["username"], content["password"])
            for pod in self.clusters[cell].pods.values()
        ]

    def declared(self, cell: str) -> dict[str, str] | None:
        """The pooler's files as the stack was applied last; None where it has no slice there."""
        files = declared_poolers(self.cloud, TENANT).get(cell)
        return files and {name: understood(text) for name, text in files.items()}

    def settle_cluster(self, cell: str) -> None:
        """Have the pods and the Secret that the stack declares, as controllers do."""
        api, declared = self.clusters[cell], self.declared(cell)
        with self._turn:
            if declared is None:
                for pod in api.pods.values():
                    pod.stop()
                api.pods.clear()
                self._applied.pop(cell, None)
            elif declared != self._applied.get(cell):
                if cell in self._applied and declared != api.secret:
                    self.overwritten.append(cell)
                api.secret.update(declared)
                self._applied[cell] = declared
            while declared is not None and len(api.pods) < len(PODS):
                pod = PoolerPod(PODS[len(api.pods)])
                pod.start(api.secret)
                api.pods[pod.name] = pod

    def passwords(self) -> list[str]:
        """What nothing may show: the movers' passwords and the application's."""
        servers = self.cloud.postgresql
        recorded = servers.recorded()
        movers = [servers.ensure(*each).mover.password for each in recorded.items()]
        return [*movers, self.secret()["password"]]

    def stop(self) -> None:
        """Stop all that runs."""
        for api in self.clusters.values():
            api.close()
        self.cloud.stop()

    def _cluster(self, cell: Cell) -> ClusterApi:
        organization = self.load().organization
        directory = self.directory / cell.name
        directory.mkdir()
        return ClusterApi(
            names.cluster(organization, cell),
            directory,
            names.namespace(TENANT),
            {},
            {},
            lets_in=f":assumed-role/{deploy_role(organization, cell.environment)}/",
            settle=lambda: self.settle_cluster(cell.name),
        )

    def _start_moto(self) -> None:
        """Before the local cloud starts one that enforces nothing: it adopts the one there is."""
        catalog = self.load()
        organization = catalog.organization
        directory = self.state / "moto"
        directory.mkdir(parents=True)
        beyond = {
            "tables": {
                "owner": organization.accounts.management,
                "others": sorted({catalog.cells[name].account for name in CELLS}),
                "region": organization.home_region,
            },
            "clusters": {
                api.name: {"url": api.url, "authority": api.authority}
                for api in self.clusters.values()
            },
        }
        (directory / moto_enforcing.BEYOND).write_text(json.dumps(beyond))
        process.start(
            [sys.executable, HERE / "moto_enforcing.py", directory / "moto.json"],
            pidfile=directory / "moto.pid",
            log=directory / "moto.log",
            environment=moto.environment() | {"PYTHONPATH": str(ROOT)},
            directory=ROOT,
        )

    def _fill_logins(self) -> None:
        """What the bootstrap job of each database does."""
        for cell in map(self.load().cells.__getitem__, CELLS):
            for database in cell.databases:
                cluster = names.database_cluster(cell, database)
                server = self.cloud.postgresql.find(f"{cluster}.local", 0)
                self.secrets(cell.name).put_secret_value(
                    SecretId=names.mover_secret(cell, database),
                    SecretString=server.mover.password,
                )

    def _take_roles(self) -> dict[str, str]:
        """The environment of a job: the mover's session at hand, a profile of the deploy role."""
        organization, cell = self.load().organization, self.load().cells[IRELAND]
        own = [role(organization, cell.environment) for role in (mover_role, deploy_role)]
        dns = shared_role(organization, "dns")
        for account, role in (
            *((cell.account, role) for role in own),
            (organization.accounts.management, dns),
        ):
            iam_enforced.read_by_moto(self.cloud.aws("iam", account, cell.region), role)
        sts = self.cloud.aws("sts", cell.account, cell.region)
        mover, deployer = (
            sts.assume_role(
                RoleArn=f"arn:aws:iam::{cell.account}:role/{role}", RoleSessionName="job"
            )["Credentials"]
            for role in own
        )
        profiles = self.directory / "credentials"
        profiles.write_text(
            "[deploy]\n"
            f"aws_access_key_id = {deployer['AccessKeyId']}\n"
            f"aws_secret_access_key = {deployer['SecretAccessKey']}\n"
            f"aws_session_token = {deployer['SessionToken']}\n"
        )
        running = self.cloud.moto.status()
        assert running is not None
        return {
            "PATH": f"{self.directory / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(self.directory / "runner"),
            "AWS_ENDPOINT_URL": running.url,
            "AWS_ACCESS_KEY_ID": mover["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": mover["SecretAccessKey"],
            "AWS_SESSION_TOKEN": mover["SessionToken"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": str(profiles),
            STACK_PROFILE: "deploy",
            STATE: str(self.state),
        }
