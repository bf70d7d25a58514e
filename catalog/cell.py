"""A cell: one region's complete platform in one environment."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalog.base import (
    AccountId,
    AllowList,
    CatalogModel,
    Environment,
    IPv4Network,
    RefusedError,
    Region,
    Slug,
)

Zone = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$")]
InstanceType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")]
DatabaseInstanceClass = Annotated[str, Field(pattern=r"^db\.[a-z][a-z0-9]*\.[a-z0-9]+$")]
Capacity = Annotated[float, Field(ge=0.5, le=256, multiple_of=0.5)]
EngineVersion = Literal["15.12", "16.4", "16.8", "17.4", "17.5", "18.1"]


class CellNetwork(CatalogModel):
    """The cell's private network."""

    cidr: IPv4Network
    """The VPC's range; no two cells' ranges overlap, so that any two can peer."""
    nat: Literal["per-zone", "single"] = "per-zone"
    """NAT gateways: one per zone survives the loss of a zone, a single one costs a third."""
    endpoints: Literal["full", "essential"] = "full"
    """Private ways to AWS: `full` is all that a cell calls, in every zone, so that it runs without
    NAT; `essential` is what nodes and databases cannot start without, in one zone, and the rest
    goes through NAT. In us-east-1 an endpoint costs 0.01 USD an hour in each zone, and a gigabyte
    0.01 through it against 0.045 through NAT: all in three zones some 330 USD a month, the
    essential ones in one zone some 75. One in three zones pays from 630 GB a month on. Sources:
    https://aws.amazon.com/privatelink/pricing/ and https://aws.amazon.com/vpc/pricing/."""


class NodePool(CatalogModel):
    """A pool of worker nodes."""

    instance_types: Annotated[tuple[InstanceType, ...], Field(min_length=1, max_length=20)]
    minimum: Annotated[int, Field(ge=0, le=500)]
    maximum: Annotated[int, Field(ge=1, le=500)]
    disk_gib: Annotated[int, Field(ge=20, le=1000)] = 40
    """Size of the encrypted data volume, in GiB; images of a busy node fit in 40."""
    capacity: Literal["on-demand", "spot"] = "on-demand"


class Kubernetes(CatalogModel):
    """The cell's cluster."""

    version: Literal["1.33", "1.34", "1.35"]
    """Minor version of the control plane and of the nodes."""
    system_nodes: NodePool
    """Managed nodes for what keeps the cluster running, one at least in every zone."""
    node_pools: Annotated[dict[Slug, NodePool], Field(min_length=1)]
    """Pools that Karpenter fills with what tenants need."""


class ServerlessCapacity(CatalogModel):
    """Aurora Serverless v2 capacity, in ACU (about 2 GiB of memory each)."""

    minimum: Capacity
    maximum: Capacity


class DatabaseSettings(CatalogModel):
    """One Aurora PostgreSQL cluster."""

    engine_version: EngineVersion
    serverless: ServerlessCapacity | None = None
    """Serverless capacity; exclusive with `instance_class`."""
    instance_class: DatabaseInstanceClass | None = None
    """Provisioned instances; exclusive with `serverless`."""
    readers: Annotated[int, Field(ge=1, le=15)] = 1
    """Readers beside the writer, each in another zone while zones last."""
    backup_retention_days: Annotated[int, Field(ge=7, le=35)] = 35
    backup_region: Region
    """Where backups are copied; another region than the cell's."""

    @model_validator(mode="after")
    def _one_way_to_size(self) -> Self:
        if (self.serverless is None) == (self.instance_class is None):
            raise RefusedError(
                "needs exactly one of serverless and instance_class",
                "keep one of the two",
            )
        return self


class Vpn(CatalogModel):
    """The cell's client VPN."""

    clients: IPv4Network
    """Addresses handed to clients; inside the organization's VPN range, /22 to /12."""
    groups: Annotated[tuple[Slug, ...], Field(min_length=1)]
    """Groups of people who may dial in."""


class Cell(CatalogModel):
    """One region's complete platform in one environment."""

    name: Slug
    """Environment and region, such as `prod-eu-west-1`; also the file's name."""
    environment: Environment
    cloud: Literal["aws", "gcp"] = "aws"
    account: AccountId
    """The environment's account; repeated here so that a review shows where a change lands."""
    region: Region
    zones: Annotated[tuple[Zone, ...], Field(min_length=2, max_length=3)]
    """Availability zones; three in production."""
    network: CellNetwork
    kubernetes: Kubernetes
    databases: Annotated[dict[Slug, DatabaseSettings], Field(min_length=1)]
    """Database clusters that tenants share, by name."""
    vpn: Vpn
    allow_list: AllowList = ()
    """Networks that may reach every tenant of the cell, besides the offices."""
    owner: Slug
    """The group that answers for the cell."""
    cost_centre: Slug
