"""Tries tenants' secrets on tenants' databases, with real connections."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from catalog import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.catalog import Catalog
    from rehearsal.local_cloud import LocalCloud


@dataclass(frozen=True, slots=True)
class Access:
    """What came of one tenant's secret on one tenant's database."""

    tenant: str
    database_of: str
    server: str
    """The server's version and address."""
    opened: bool
    answer: str
    """The user and database of the open session, or the server's own words of refusal."""

    @property
    def as_promised(self) -> bool:
        """Whether the secret opens this database exactly if it is its tenant's own."""
        return self.opened == (self.tenant == self.database_of)


def try_secrets(catalog: Catalog, cloud: LocalCloud, tenants: Sequence[str]) -> list[Access]:
    """Try the secret of every tenant on the database of every one, itself included.

    Raises what the local cloud raises where a tenant has not been rehearsed.
    """
    secrets = {tenant: _secret(catalog, cloud, tenant) for tenant in tenants}
    return [
        _try(tenant, other, secrets[tenant], secrets[other])
        for tenant in tenants
        for other in tenants
    ]


def _secret(catalog: Catalog, cloud: LocalCloud, tenant: str) -> dict[str, Any]:
    cell = catalog.cells[catalog.tenants[tenant].placement.cell]
    client = cloud.aws("secretsmanager", cell.account, cell.region)
    answer = client.get_secret_value(SecretId=names.secret(cell, tenant, "database"))
    secret: dict[str, Any] = json.loads(answer["SecretString"])
    return secret


def _try(tenant: str, other: str, secret: Mapping[str, Any], target: Mapping[str, Any]) -> Access:
    address = f"{target['writer_host']}:{target['database_port']}"
    try:
        with psycopg.connect(
            host=target["writer_host"],
            port=target["database_port"],
            dbname=target["dbname"],
            user=secret["username"],
            password=secret["password"],
            connect_timeout=60,
        ) as session:
            row = session.execute(
                "select current_user, current_database(), current_setting('server_version')"
            ).fetchone()
    except psycopg.OperationalError as refusal:
        return Access(tenant, other, address, False, f"refused: {_words(refusal)}")
    assert row is not None
    user, database, version = row
    return Access(
        tenant, other, f"PostgreSQL {version} at {address}", True, f"{user} in {database}"
    )


def _words(refusal: psycopg.OperationalError) -> str:
    """The server's own words, without the address that psycopg puts before them."""
    lines = str(refusal).strip().splitlines()
    fatal = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
    return fatal[-1] if fatal else lines[-1]
