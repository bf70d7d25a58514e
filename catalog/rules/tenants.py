"""Rules for each tenant: its placement, hostnames, services and quota."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.allow_lists import effective
from catalog.explain import nearest
from catalog.quantities import mebibytes, millicores
from catalog.rules.cells import (
    check_allow_list,
    check_backup_region,
    check_bounds,
    check_database,
    check_group,
)
from catalog.rules.organization import check_signer

if TYPE_CHECKING:
    from catalog.cell import Cell
    from catalog.draft import Draft, Entry
    from catalog.tenant import Tenant

DEDICATED = "dedicated"


def cell_exists(draft: Draft, entry: Entry[Tenant]) -> None:
    """The tenant's cell is one of the catalog's."""
    name = entry.model.placement.cell
    if name in draft.cells:
        return
    guess = nearest(name, draft.cells)
    entry.fault(
        "unknown-cell",
        ("placement", "cell"),
        "there is no such cell",
        given=name,
        allowed=", ".join(draft.cells) or "a cell; there is none yet",
        remedy=f"did you mean {guess}?" if guess else f"add cells/{name}.yaml, or choose another",
    )


def environment_of_cell(draft: Draft, entry: Entry[Tenant]) -> None:
    """The tenant and its cell are in the same environment."""
    tenant, cell = entry.model, _cell(draft, entry)
    if cell is not None and tenant.environment != cell.environment:
        entry.fault(
            "wrong-environment",
            ("environment",),
            f"`environment` differs from that of the cell {cell.name}",
            given=tenant.environment,
            allowed=cell.environment,
            remedy=f"write {cell.environment}, or place the tenant in another cell",
        )


def database_exists(draft: Draft, entry: Entry[Tenant]) -> None:
    """The tenant's database is one of its cell's, or its own."""
    placement, cell = entry.model.placement, _cell(draft, entry)
    if placement.database == DEDICATED or cell is None:
        return
    databases = cell.databases
    if placement.database not in databases:
        guess = nearest(placement.database, [*databases, DEDICATED])
        entry.fault(
            "unknown-database",
            ("placement", "database"),
            f"the cell {placement.cell} has no such database",
            given=placement.database,
            allowed=", ".join([*databases, DEDICATED]),
            remedy=f"did you mean {guess}?" if guess else "choose one of these",
        )


def dedicated_settings(_draft: Draft, entry: Entry[Tenant]) -> None:
    """Settings of a dedicated database are given exactly when the tenant has one."""
    placement = entry.model.placement
    given = placement.dedicated is not None
    if placement.database == DEDICATED and not given:
        entry.fault(
            "dedicated-settings",
            ("placement", "database"),
            "the dedicated database has no settings",
            given=DEDICATED,
            allowed="`dedicated` beside it, with engine_version, a size and backup_region",
            remedy="add `dedicated`, or choose one of the cell's databases",
        )
    elif placement.database != DEDICATED and given:
        entry.fault(
            "dedicated-settings",
            ("placement", "dedicated"),
            "settings of a dedicated database are given, but the tenant shares one",
            given=f"database: {placement.database}",
            allowed="`dedicated` only where database is `dedicated`",
            remedy="remove `dedicated`, or write `database: dedicated`",
            key=True,
        )


def dedicated_database_fits(draft: Draft, entry: Entry[Tenant]) -> None:
    """A dedicated database's capacity is in order and its backups leave the region."""
    dedicated, cell = entry.model.placement.dedicated, _cell(draft, entry)
    if dedicated is not None and cell is not None:
        check_database(entry, ("placement", "dedicated"), dedicated, cell.region)


def dedicated_backups_go_with_the_cells(draft: Draft, entry: Entry[Tenant]) -> None:
    """A dedicated database is copied where its cell's databases are, by the same plan."""
    dedicated, cell = entry.model.placement.dedicated, _cell(draft, entry)
    # A cell without any has a fault of its own.
    if dedicated is None or cell is None or not cell.databases:
        return
    name, settings = next(iter(cell.databases.items()))
    check_backup_region(
        entry,
        ("placement", "dedicated"),
        dedicated.backup_region,
        settings.backup_region,
        f"{cell.name}'s {name}",
    )


def allow_list_fits(draft: Draft, entry: Entry[Tenant]) -> None:
    """The networks that may reach the tenant, the cell's among them, fit into a security group."""
    cell = _cell(draft, entry)
    if cell is not None and entry.model.allow_list:
        check_allow_list(entry, effective(draft.organization.model, cell, entry.model))


def owner_exists(draft: Draft, entry: Entry[Tenant]) -> None:
    """The owner is one of the organization's groups."""
    check_group(entry, ("owner",), entry.model.owner, draft.organization.model.groups)


def replicas_in_order(_draft: Draft, entry: Entry[Tenant]) -> None:
    """No service has more replicas at least than at most."""
    for name, service in entry.model.services.items():
        check_bounds(entry, ("services", name), service, ("minimum_replicas", "maximum_replicas"))


def paths_are_served_once(_draft: Draft, entry: Entry[Tenant]) -> None:
    """Some service answers at the hostnames, and no two at the same path."""
    services = entry.model.services
    taken: dict[str, str] = {}
    for name, service in services.items():
        path = service.__dict__.get("path")
        if path is None:
            continue
        key = path.rstrip("/") or "/"
        if key in taken:
            entry.fault(
                "duplicate-path",
                ("services", name, "path"),
                f"`{name}` and `{taken[key]}` are served at the same path",
                given=path,
                allowed="a path of its own for each service",
                remedy="change one of the two, or remove it to keep the service internal",
            )
        taken.setdefault(key, name)
    if not taken and all("path" in service.__dict__ for service in services.values()):
        entry.fault(
            "no-path",
            ("services",),
            "no service answers at the tenant's hostnames",
            given="no `path` in any service",
            allowed="a `path` in one service or more",
            remedy="add `path: /` to the service that people reach",
            key=True,
        )


def quota_covers_services(_draft: Draft, entry: Entry[Tenant]) -> None:
    """The quota has room for every service's minimum of replicas."""
    services, quota = entry.model.services.values(), entry.model.quota
    replicas = [service.minimum_replicas for service in services]
    needs: tuple[tuple[str, int, int, str], ...] = (
        (
            "cpu",
            sum(n * millicores(s.cpu) for n, s in zip(replicas, services, strict=True)),
            millicores(quota.cpu),
            "m",
        ),
        (
            "memory",
            sum(n * mebibytes(s.memory) for n, s in zip(replicas, services, strict=True)),
            mebibytes(quota.memory),
            "Mi",
        ),
        ("pods", sum(replicas), quota.pods, ""),
    )
    for key, needed, available, unit in needs:
        if needed > available:
            entry.fault(
                "quota-too-small",
                ("quota", key),
                f"the quota's `{key}` is less than the services' minimum",
                given=getattr(quota, key),
                allowed=f"{needed}{unit} or more, for {sum(replicas)} replicas",
                remedy=f"raise `{key}`, or ask for less in the services",
            )


def _cell(draft: Draft, entry: Entry[Tenant]) -> Cell | None:
    found = draft.cells.get(entry.model.placement.cell)
    return None if found is None else found.model


def images_have_a_signer(draft: Draft, entry: Entry[Tenant]) -> None:
    """Somebody is named who signs the image of each service."""
    for name, service in entry.model.services.items():
        check_signer(draft, entry, ("services", name, "image"), service.image)


RULES = (
    cell_exists,
    environment_of_cell,
    database_exists,
    dedicated_settings,
    dedicated_database_fits,
    dedicated_backups_go_with_the_cells,
    allow_list_fits,
    owner_exists,
    replicas_in_order,
    paths_are_served_once,
    quota_covers_services,
    images_have_a_signer,
)
