"""What cells and databases take, by the catalog: connections of servers, CPUs of clusters.

Tenants are counted where they are declared, by the most that their quotas let them ask for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.instance_sizes import max_connections, virtual_cpus
from catalog.quantities import millicores
from components.postgresql.tenant_database import CONNECTIONS_BESIDE_APPLICATION
from tenant_moves.slices import key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.catalog import Catalog
    from catalog.cell import Cell, DatabaseSettings
    from catalog.tenant import Placement, Tenant

RESERVED_CONNECTIONS = 3
"""PostgreSQL's default of `superuser_reserved_connections`, which no tenant may take."""


@dataclass(frozen=True)
class Load:
    """What is asked of one limit, and the limit."""

    what: str
    """`<cell>/<database>` for connections, `<cell>` for CPUs."""
    unit: str
    used: int
    limit: int

    @property
    def fill(self) -> float:
        """The used part, 1.0 when full."""
        return self.used / self.limit if self.limit else float("inf")


class Capacity:
    """How full every cell and database is; tenants are put in and taken out one by one."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._connections: Counter[str] = Counter()
        self._millicores: Counter[str] = Counter()
        for tenant in catalog.tenants.values():
            self.put(tenant, tenant.placement)

    def put(self, tenant: Tenant, place: Placement) -> None:
        """Count a tenant in a placement."""
        self._count(tenant, place, 1)

    def take(self, tenant: Tenant, place: Placement) -> None:
        """Count a tenant there no more."""
        self._count(tenant, place, -1)

    def loads(self, place: Placement) -> tuple[Load, ...]:
        """How full the cell of a placement and its database are."""
        cell = self._catalog.cells[place.cell]
        cpus = Load(cell.name, "CPUs", -(-self._millicores[cell.name] // 1000), cell_cpus(cell))
        if place.dedicated is not None:
            return (cpus,)
        settings = cell.databases[place.database]
        return (connections(key(place), self._connections[key(place)], settings), cpus)

    def faults(self, place: Placement) -> Iterator[str]:
        """Each limit that is exceeded where a placement is."""
        for load in self.loads(place):
            if load.used > load.limit:
                yield f"{load.what} would have {load.used} of {load.limit} {load.unit}"

    def _count(self, tenant: Tenant, place: Placement, sign: int) -> None:
        self._millicores[place.cell] += sign * millicores(tenant.quota.cpu)
        if place.dedicated is None:
            self._connections[key(place)] += sign * needed_connections(tenant)


def needed_connections(tenant: Tenant) -> int:
    """The connections that a tenant's database admits at most."""
    return tenant.quota.database_connections + CONNECTIONS_BESIDE_APPLICATION


def connections(what: str, used: int, settings: DatabaseSettings) -> Load:
    """The load of a database server."""
    return Load(what, "connections", used, max_connections(settings) - RESERVED_CONNECTIONS)


def cell_cpus(cell: Cell) -> int:
    """The CPUs that the cell's node pools may have for tenants at most."""
    return sum(
        pool.maximum * max(virtual_cpus(instance_type) for instance_type in pool.instance_types)
        for pool in cell.kubernetes.node_pools.values()
    )
