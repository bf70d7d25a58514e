"""Tests that a stack's databases can be had back from their newest backups, and records it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from catalog import names
from catalog.catalog import placements
from delivery.backups import RestoreError
from delivery.records import RestoreTested
from delivery.restored import look
from stacks.programs import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.catalog import Catalog, Ledger
    from catalog.cell import Cell
    from catalog.tenant import Placement
    from delivery.backups import Backups
    from delivery.table import DeliveryRecords

PARTITION = "restore-tests"


@dataclass(frozen=True, slots=True)
class Target:
    """A database cluster, and the tenants whose databases in it are looked at."""

    cell: Cell
    cluster: str
    tenants: tuple[str, ...]


def targets(catalog: Catalog, ledger: Ledger, stack: str) -> list[Target]:
    """The clusters of a tenant, or all of a cell with the tenants that they serve.

    Raises:
        UnknownStackNameError: the catalog has no such stack.
        ValueError: the organization's stack, which has no database.
    """
    parts = parse(catalog, stack)
    if parts.kind == "organization":
        raise ValueError("the organization has no database; name a cell or a tenant")
    wanted = [parts.name] if parts.kind == "tenant" else sorted(catalog.tenants)
    found: dict[str, list[str]] = {}
    cells: dict[str, Cell] = {}
    for tenant in wanted:
        served = placements(catalog.tenants[tenant], ledger)[0]
        if parts.kind == "cell" and served.cell != parts.name:
            continue
        cell = catalog.cells[served.cell]
        cluster = _cluster(cell, tenant, served)
        cells[cluster] = cell
        found.setdefault(cluster, []).append(tenant)
    return [Target(cells[each], each, tuple(tenants)) for each, tenants in sorted(found.items())]


def _cluster(cell: Cell, tenant: str, place: Placement) -> str:
    own = place.dedicated is not None
    return names.database_cluster(cell, names.dedicated_database(tenant) if own else place.database)


def restore_tests(
    wanted: list[Target], backups: Backups, records: DeliveryRecords, *, run: str, by: str
) -> Iterator[RestoreTested]:
    """Restore the newest backup of each cluster, look at it, remove it, and record what was seen.

    `run` says where it happened and `by` who did it, as the records name them.
    """
    for target in wanted:
        tested = _test(target, backups, run, by)
        part = f"{target.cluster}#{tested.at.isoformat()}"
        records.write(PARTITION, part, tested, 0)
        yield tested


def _test(target: Target, backups: Backups, run: str, by: str) -> RestoreTested:
    what, taken, seconds = "", None, 0.0
    tables = rows = 0
    faults: list[str] = []
    try:
        databases = [names.database(tenant) for tenant in target.tenants]
        with backups.restored(target.cell, target.cluster, databases) as restored:
            what, taken, seconds = restored.what, restored.taken, restored.seconds
            age = datetime.now(UTC) - taken
            if age > backups.oldest:
                faults.append(f"the newest backup is {age.total_seconds() / 3600:.0f} hours old")
            for database in databases:
                looked = look(restored.live(database), restored.copy(database))
                tables, rows = tables + looked.tables, rows + looked.rows
                faults += [f"{database}: {fault}" for fault in looked.faults]
    except RestoreError as error:
        faults.append(str(error))
    except psycopg.OperationalError as error:
        faults.append((str(error).strip().splitlines() or ["a server does not answer"])[0])
    return RestoreTested(
        cell=target.cell.name,
        environment=target.cell.environment,
        cluster=target.cluster,
        tenants=target.tenants,
        backup=what,
        taken=taken,
        seconds=seconds,
        tables=tables,
        rows=rows,
        faults=tuple(faults),
        run=run,
        recorded_by=by,
        at=datetime.now(UTC),
    )
