"""Plans where the tenants of a cell go when it is to be empty: by version, room and balance.

A tenant goes to a database of the same major version where one has room, the emptiest first; else
to a newer one. One with a database of its own takes it along. Nothing goes to an older version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.tenant import Placement
from database_moves.errors import RefusedError
from tenant_moves.fleet.capacity import Capacity, Load, needed_connections
from tenant_moves.fleet.standing import suspended
from tenant_moves.slices import key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.catalog import Catalog
    from catalog.cell import Cell
    from catalog.document import Location
    from catalog.tenant import Tenant


@dataclass(frozen=True)
class Relocation:
    """Where one tenant goes."""

    tenant: str
    tier: str
    source: Placement
    target: Placement
    connections: int
    versions: tuple[str, str]
    """PostgreSQL's, here and there."""

    @property
    def values(self) -> Mapping[Location, str]:
        """What changes in the tenant's file."""
        found: dict[Location, str] = {("placement", "cell"): self.target.cell}
        if self.target.database != self.source.database:
            found["placement", "database"] = self.target.database
        here, there = self.source.dedicated, self.target.dedicated
        if here is not None and there is not None and here.backup_region != there.backup_region:
            found["placement", "dedicated", "backup_region"] = there.backup_region
        return found


@dataclass(frozen=True)
class Filled:
    """A limit before the evacuation and after it."""

    before: Load
    after: Load


@dataclass(frozen=True)
class Evacuation:
    """The tenants of a cell: where each goes, and who stays."""

    cell: str
    relocations: tuple[Relocation, ...]
    """By tenant's name."""
    filled: tuple[Filled, ...]
    """Every limit of the cells they go to."""
    left_out: Mapping[str, str]
    """Those who stay, and what each is."""


class CanNotEvacuateError(RefusedError):
    """Not every tenant fits somewhere; `reasons` has each one that does not, and why."""

    def __init__(self, cell: str, reasons: Sequence[str]) -> None:
        count = f"{len(reasons)} tenants" if len(reasons) > 1 else "1 tenant"
        super().__init__(
            f"{cell} can't be evacuated: {count} would have no place",
            remedy="make room, name another cell, or place those tenants by hand",
        )
        self.reasons = tuple(reasons)


def plan(
    catalog: Catalog, name: str, targets: Sequence[str], unsettled: Mapping[str, str]
) -> Evacuation:
    """Find a place for every tenant that is declared in a cell, in these other cells.

    Those who can't be moved stay, and are named: the suspended ones, and the `unsettled` ones, who
    are being created or deleted. Raises `CanNotEvacuateError` with every tenant that fits nowhere.
    """
    declared = [t for t in catalog.tenants.values() if t.placement.cell == name]
    stays = {t.name: why for t in declared if (why := suspended(catalog, t.name)) is not None}
    left_out = dict(sorted((stays | dict(unsettled)).items()))
    here = [t for t in declared if t.name not in left_out]
    capacity = Capacity(catalog)
    places = [place for target in targets for place in _shared(catalog.cells[target])]
    before = _loads(capacity, places)
    found: list[Relocation] = []
    reasons: list[str] = []
    for tenant in sorted(here, key=_hardest_first):
        refused: list[str] = []
        capacity.take(tenant, tenant.placement)
        place = _place(catalog, capacity, tenant, targets, refused)
        if place is None:
            capacity.put(tenant, tenant.placement)
            reasons.append(f"{tenant.name} ({_need(tenant)}) fits nowhere: {'; '.join(refused)}")
            continue
        capacity.put(tenant, place)
        found.append(
            Relocation(
                tenant.name,
                tenant.tier,
                tenant.placement,
                place,
                needed_connections(tenant),
                (_version(catalog, tenant.placement), _version(catalog, place)),
            )
        )
    if reasons:
        raise CanNotEvacuateError(name, sorted(reasons))
    after = _loads(capacity, places)
    return Evacuation(
        name,
        tuple(sorted(found, key=lambda relocation: relocation.tenant)),
        tuple(Filled(before[what], after[what]) for what in before),
        left_out,
    )


def targets_of(catalog: Catalog, name: str, to: str | None) -> list[str]:
    """The cells that tenants of a cell may go to: the one named, or all others like it.

    Raises `RefusedError` with every reason why there is none.
    """
    cell = catalog.cells[name]
    if to is not None:
        reasons = list(_unlike(cell, catalog.cells[to]))
        if reasons:
            raise RefusedError(f"tenants of {name} can't go to {to}: {'; '.join(reasons)}")
        return [to]
    found = [other.name for other in catalog.cells.values() if not any(_unlike(cell, other))]
    if not found:
        raise RefusedError(
            f"{name} is the only cell of {cell.environment} on {cell.cloud}",
            remedy="add another one to cells/ first",
        )
    return found


def _unlike(cell: Cell, other: Cell) -> Iterator[str]:
    if other.name == cell.name:
        yield "it is the same cell"
    if other.environment != cell.environment:
        yield f"it is of {other.environment}, and they are of {cell.environment}"
    if other.cloud != cell.cloud:
        yield f"it is on {other.cloud}, and they are on {cell.cloud}"


def _hardest_first(tenant: Tenant) -> tuple[bool, int, str]:
    return tenant.placement.dedicated is None, -needed_connections(tenant), tenant.name


def _need(tenant: Tenant) -> str:
    cpus = f"{tenant.quota.cpu} CPU"
    if tenant.placement.dedicated is not None:
        return f"a database of its own, {cpus}"
    return f"{needed_connections(tenant)} connections, {cpus}"


def _place(
    catalog: Catalog,
    capacity: Capacity,
    tenant: Tenant,
    targets: Sequence[str],
    refused: list[str],
) -> Placement | None:
    """The best place that has room; why the others have none is added to `refused`."""
    version = _major(_version(catalog, tenant.placement))
    best: tuple[tuple[bool, float, bool, str], Placement] | None = None
    for place in _candidates(catalog, tenant, targets):
        its = _version(catalog, place)
        if _major(its) < version:
            refused.append(f"{key(place)} is PostgreSQL {its}, older than its {version}")
            continue
        capacity.put(tenant, place)
        faults = list(capacity.faults(place))
        fill = max(load.fill for load in capacity.loads(place))
        capacity.take(tenant, place)
        if faults:
            refused += (fault for fault in faults if fault not in refused)
            continue
        elsewhere = place.database != tenant.placement.database
        rank = (_major(its) > version, fill, elsewhere, key(place))
        if best is None or rank < best[0]:
            best = rank, place
    return None if best is None else best[1]


def _candidates(catalog: Catalog, tenant: Tenant, targets: Sequence[str]) -> Iterator[Placement]:
    dedicated = tenant.placement.dedicated
    for target in targets:
        cell = catalog.cells[target]
        if dedicated is None:
            yield from _shared(cell)
            continue
        # Backups of all databases of a cell go to one region, by the cell's plan.
        region = next(iter(cell.databases.values())).backup_region
        settings = dedicated.model_copy(update={"backup_region": region})
        yield tenant.placement.model_copy(update={"cell": target, "dedicated": settings})


def _shared(cell: Cell) -> Iterator[Placement]:
    for database in cell.databases:
        yield Placement(cell=cell.name, database=database)


def _loads(capacity: Capacity, places: Sequence[Placement]) -> dict[str, Load]:
    return {load.what: load for place in places for load in capacity.loads(place)}


def _version(catalog: Catalog, place: Placement) -> str:
    settings = place.dedicated or catalog.cells[place.cell].databases[place.database]
    return settings.engine_version


def _major(version: str) -> int:
    return int(version.partition(".")[0])
