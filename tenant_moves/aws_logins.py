"""How movers come into a cell's databases on AWS: by a password that Secrets Manager keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from psycopg.conninfo import make_conninfo

from catalog import names
from components.postgresql.deployer import MAINTENANCE_DATABASE, MOVER
from database_moves.errors import MoveError
from stacks.providers import CA_BUNDLE

if TYPE_CHECKING:
    from catalog.catalog import Catalog
    from catalog.cell import Cell
    from tenant_moves.platform import Aws

DIALLED = {"sslrootcert": "/rdsdbdata/rds-metadata/ca-cert.pem"}
"""Where a server of RDS has Amazon's certificate authorities, to verify one that it dials."""


@dataclass(frozen=True)
class Cluster:
    """A database cluster of the catalog, by its own name in its cell."""

    cell: Cell
    database: str

    @property
    def identifier(self) -> str:
        """What AWS calls it, which is how its endpoints' names begin."""
        return names.database_cluster(self.cell, self.database)


class Logins:
    """Connection strings of movers; each password is asked for once and kept in this process."""

    def __init__(self, catalog: Catalog, aws: Aws) -> None:
        self._aws = aws
        self._passwords: dict[str, str] = {}
        found = [
            Cluster(cell, database)
            for cell in catalog.cells.values()
            for database in (*cell.databases, *map(names.dedicated_database, catalog.tenants))
        ]
        self._clusters = {each.identifier: each for each in found}

    def dsn(self, host: str, port: int, database: str = MAINTENANCE_DATABASE) -> str:
        """A connection string, TLS verified by name and authority; it holds the password.

        Raises `MoveError` where the host is no database of the catalog's, or has no login yet.
        """
        return make_conninfo(
            host=host,
            port=port,
            dbname=database,
            user=MOVER,
            password=self._password(host),
            sslmode="verify-full",
            sslrootcert=CA_BUNDLE,
        )

    def _password(self, host: str) -> str:
        identifier = host.partition(".")[0]
        if identifier not in self._passwords:
            if identifier not in self._clusters:
                raise MoveError(
                    f"{host} is no database of a cell in the catalog",
                    remedy="bring the tenant's stack up, whose exports are out of date",
                )
            self._passwords[identifier] = self._asked(self._clusters[identifier])
        return self._passwords[identifier]

    def _asked(self, cluster: Cluster) -> str:
        cell = cluster.cell
        secret = names.mover_secret(cell, cluster.database)
        secrets = self._aws.client("secretsmanager", cell.account, cell.region)
        try:
            return str(secrets.get_secret_value(SecretId=secret)["SecretString"])
        except secrets.exceptions.ResourceNotFoundException:
            raise MoveError(
                f"the secret {secret} is not there or has no value: the database has no login for "
                "moves yet",
                remedy=f"bring up cell.{cell.name}, or the tenant whose own database it is",
            ) from None
        except (BotoCoreError, ClientError) as error:
            raise MoveError(f"the secret {secret} can't be read: {error}") from error
