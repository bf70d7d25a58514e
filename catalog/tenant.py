"""A tenant: a customer of the platform, and where it lives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import (
    AllowList,
    CatalogModel,
    DomainName,
    Email,
    Environment,
    Image,
    Line,
    Slug,
)
from catalog.cell import DatabaseSettings

CpuQuantity = Annotated[str, Field(pattern=r"^([1-9][0-9]*m|[1-9][0-9]*)$")]
"""CPU in cores (`2`) or thousandths of one (`250m`)."""

MemoryQuantity = Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi)$")]
"""Memory in `Mi` or `Gi`."""

Tier = Literal["trial", "standard", "enterprise"]
Right = Literal["view", "operate", "administer"]


class Placement(CatalogModel):
    """Where a tenant lives: a cell, and a database in it."""

    cell: Slug
    database: Slug
    """The name of one of the cell's databases, or `dedicated`."""
    dedicated: DatabaseSettings | None = None
    """The tenant's own database cluster; given exactly when `database` is `dedicated`."""


class Retained(CatalogModel):
    """What a tenant's stack has let go of in a cell and the cloud still has, by its ids there."""

    cell: Slug
    bucket: str | None = None
    secret_arn: str | None = None
    """Of the secret that says how the database is reached."""
    key_id: str | None = None


class Served(Placement):
    """The placement that serves a tenant, as the ledger says."""

    keeps: Placement | None = None
    """A placement that does not serve and whose slice stays: a move may go back to it."""
    retained: tuple[Retained, ...] = ()
    """Cells the tenant has left; a slice that comes back there takes over what is there."""
    spans: tuple[str, ...] = Field((), exclude=True)
    """Placements in several cells, as `cell/database`, between which the tenant's stack needs a
    way. Of no meaning to that stack itself, so it counts for nothing in what the stack is."""

    def bare(self) -> Placement:
        """The placement alone."""
        return Placement(cell=self.cell, database=self.database, dedicated=self.dedicated)


class CompanyRole(CatalogModel):
    """What one Google group of the customer may do in its namespace."""

    group: Email
    rights: Right


class Company(CatalogModel):
    """The customer's profile."""

    legal_name: Annotated[Line, Field(max_length=120)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    """ISO 3166-1 alpha-2."""
    contact: Email
    roles: Annotated[dict[Slug, CompanyRole], Field(min_length=1)]


class Service(CatalogModel):
    """One of the tenant's services."""

    image: Image
    port: Annotated[int, Field(ge=1024, le=65535)]
    """TCP port it listens on; an unprivileged one, as the container runs as nobody."""
    cpu: CpuQuantity
    """Requested for each replica."""
    memory: MemoryQuantity
    """Requested for each replica, and its limit."""
    minimum_replicas: Annotated[int, Field(ge=1, le=100)] = 2
    maximum_replicas: Annotated[int, Field(ge=1, le=100)] = 4
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_-]*$")] | None = None
    """Path prefix under the tenant's hostnames; a service without one is internal."""
    health_path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_.-]*$")] = "/healthz"


class Quota(CatalogModel):
    """The most a tenant may ask of a cell."""

    cpu: CpuQuantity
    memory: MemoryQuantity
    pods: Annotated[int, Field(ge=1, le=5000)] = 50
    storage_gib: Annotated[int, Field(ge=1, le=100_000)] = 50
    database_connections: Annotated[int, Field(ge=5, le=2000)] = 40


class Retention(CatalogModel):
    """How long the tenant's data is kept, in days."""

    backups_days: Annotated[int, Field(ge=7, le=3653)] = 35
    objects_days: Annotated[int, Field(ge=30, le=3653)] = 365
    """Old versions of objects."""
    logs_days: Literal[7, 14, 30, 60, 90, 120, 180, 365] = 30


class Tenant(CatalogModel):
    """A customer of the platform: a namespace, a database, secrets, a bucket, keys and roles."""

    name: Slug
    """Also the file's name; part of namespace, database, bucket and role names."""
    display_name: Annotated[Line, Field(max_length=80)]
    environment: Environment
    company: Company
    tier: Tier
    placement: Placement
    hostnames: Annotated[tuple[DomainName, ...], Field(min_length=1, max_length=20)]
    """Under the organization's domain; the first is the one shown to people."""
    allow_list: AllowList = ()
    """Networks that may reach this tenant, besides the cell's."""
    services: Annotated[dict[Slug, Service], Field(min_length=1, max_length=20)]
    quota: Quota
    owner: Slug
    """The organization's group that answers for the tenant."""
    cost_centre: Slug
    retention: Retention = Field(default_factory=Retention)
    suspended: Annotated[Line, Field(max_length=200)] | None = None
    """Why the tenant is suspended: no service of its runs, its data stays, and it is not moved."""
