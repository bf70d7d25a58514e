"""Moves that a change of placements asks for: from where to where, by which steps, let in by whom.

Where a tenant is served is what the ledger says; a plan has no credential to read it, and takes
the base's placement for it. Nothing moves until `patchworks tenant move` is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.instance_sizes import max_connections
from catalog.reviewers import operators
from planning.document import Move, Placement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.catalog import Catalog
    from catalog.cell import Cell, DatabaseSettings
    from catalog.tenant import Placement as Declared
    from catalog.tenant import Tenant

DEDICATED = "dedicated"


def moves(base: Catalog, head: Catalog) -> list[Move]:
    """The move of each tenant that is there at both commits and placed elsewhere at head."""
    found = []
    for name, tenant in sorted(head.tenants.items()):
        before = base.tenants.get(name)
        if before is None or _key(before.placement) == _key(tenant.placement):
            continue
        source, target = (
            base.cells.get(before.placement.cell),
            head.cells.get(tenant.placement.cell),
        )
        found.append(
            Move(
                tenant=name,
                before=_place(before.placement),
                after=_place(tenant.placement),
                kind=_kind(before.placement, tenant.placement, source, target),
                steps=tuple(_steps(before.placement, tenant.placement, name)),
                refused=tuple(_refused(before, tenant, source, target, head)),
                not_known=tuple(_not_known()),
                reviewers=tuple(_reviewers(base, before, target)),
            )
        )
    return found


def _key(placement: Declared) -> tuple[str, str]:
    return placement.cell, placement.database


def _place(placement: Declared) -> Placement:
    return Placement(cell=placement.cell, database=placement.database)


def _kind(before: Declared, after: Declared, source: Cell | None, target: Cell | None) -> str:
    if before.cell == after.cell:
        if after.database == DEDICATED:
            return "to a database of its own in the same cell"
        if before.database == DEDICATED:
            return "from its own database to a shared one of the same cell"
        return "to another database of the same cell"
    if source is None or target is None or source.region == target.region:
        return "to another cell"
    return f"to another region: {source.region} to {target.region}"


def _steps(before: Declared, after: Declared, tenant: str) -> Iterator[str]:
    """What is done, in order, and when writes pause."""
    elsewhere = before.cell != after.cell
    place, old = f"{after.cell}/{after.database}", f"{before.cell}/{before.database}"
    yield f"merge: nothing moves yet, {old} serves on"
    if elsewhere:
        one, other = sorted((before.cell, after.cell))
        yield (
            f"the networks of {one} and {other} are joined by the stack peering.{one}.{other}: a "
            "VPC peering, its routes, and rules for PostgreSQL and the Kubernetes API between "
            "these two cells alone"
        )
        yield f"`patchworks tenant move {tenant}`: the stack gets a second slice, in {place}"
    elif after.database == DEDICATED:
        yield f"`patchworks tenant move {tenant}`: the stack gets a cluster of its own"
    else:
        yield f"`patchworks tenant move {tenant}`: the stack gets a database in {place}"
    yield "preflight: the move is refused before anything changes where either database is unfit"
    yield "the schema and a snapshot are copied, indexes are built, and changes follow"
    if elsewhere:
        yield "the bucket's objects and the secret's values are copied to the new slice"
    yield "every row is compared while changes follow"
    route = "secrets, the hostnames' route" if elsewhere else "secrets"
    yield (
        f"cutover: writes pause, the last changes arrive, {route} and the ledger name {place}, "
        "and the poolers lead there"
    )
    yield f"soak: {old} follows every write, so that a rollback loses none"
    also = ", and so is the peering once no other tenant is in both cells" if elsewhere else ""
    yield f"`patchworks tenant finish {tenant}`: {old} is let go, and its slice with it{also}"


def _refused(
    before: Tenant, after: Tenant, source: Cell | None, target: Cell | None, head: Catalog
) -> Iterator[str]:
    """Why the move can't be made as declared, as far as the catalog tells."""
    if target is None:
        yield f"there is no cell {after.placement.cell} at the head"
        return
    if before.environment != after.environment or (
        source is not None and source.environment != target.environment
    ):
        was = source.environment if source is not None else before.environment
        yield f"a move stays within its environment: {was} to {target.environment}"
    if before.placement.cell not in head.cells:
        yield (
            f"the cell {before.placement.cell} is not in the catalog any more, and the tenant is "
            "served there: move first, and remove the cell when the move is finished"
        )
    if target.cloud != "aws":
        yield f"there are no components for {target.cloud}, where {target.name} is"
    settings = _settings(after.placement, target)
    if settings is None:
        yield (
            f"the cell {target.name} has no database {after.placement.database}; "
            f"it has {', '.join([*target.databases, DEDICATED])}"
        )
    elif (needed := after.quota.database_connections) > (most := max_connections(settings)):
        yield f"the quota has {needed} connections, and one instance there takes {most}"
    current = _settings(before.placement, source) if source is not None else None
    if settings is not None and current is not None and _major(settings) < _major(current):
        yield (
            f"PostgreSQL {settings.engine_version} is older than {current.engine_version}, where "
            f"the tenant is: what only {_major(current)} knows can't be moved; a placement on "
            f"{_major(current)} or later can be reached"
        )
    old = head.cells.get(before.placement.cell)
    if old is not None and before.placement.database not in (DEDICATED, *old.databases):
        yield (
            f"the database {before.placement.database} of {old.name} is not in the catalog any "
            "more, and the tenant is served there: remove it when the move is finished"
        )


def _not_known() -> Iterator[str]:
    """What only the preflight on the real databases tells."""
    yield "whether the target has every extension, encoding and collation that the database uses"
    yield "whether the target has the room, and the connections beside its other tenants"
    yield "whether the ledger still names the base's placement, and no other move is under way"


def _reviewers(base: Catalog, tenant: Tenant, target: Cell | None) -> Iterator[str]:
    """Who must agree, by the owners that hold before the change."""
    organization = base.organization
    yield f"{tenant.owner}: owns tenants/{tenant.name}.yaml"
    if target is not None and target.owner != tenant.owner:
        yield f"{target.owner}: answers for the cell {target.name}"
    for group in operators(organization):
        yield f"{group}: lets the move start, in the environment tenant-moves"


def _settings(placement: Declared, cell: Cell) -> DatabaseSettings | None:
    return placement.dedicated or cell.databases.get(placement.database)


def _major(settings: DatabaseSettings) -> int:
    return int(settings.engine_version.partition(".")[0])
