"""Rules for each cell: its place in the organization, zones, sizes and databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog.allow_lists import MOST_ENTRIES, effective, of_family
from catalog.explain import nearest
from catalog.instance_sizes import memory_bytes, virtual_cpus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.base import AllowList
    from catalog.cell import Cell, DatabaseSettings
    from catalog.document import Location
    from catalog.draft import Draft, Entry

PRODUCTION_ZONES = 3


def account_of_environment(draft: Draft, entry: Entry[Cell]) -> None:
    """A cell's account is the one that the organization has for its environment."""
    cell = entry.model
    wanted = draft.organization.model.account(cell.environment)
    if cell.account != wanted:
        entry.fault(
            "wrong-account",
            ("account",),
            f"`account` is not the organization's for {cell.environment}",
            given=cell.account,
            allowed=f"{wanted}, as organization.yaml says",
            remedy=f'write "{wanted}", or correct `environment`',
        )


def named_for_its_place(_draft: Draft, entry: Entry[Cell]) -> None:
    """A cell is called by its environment and region."""
    cell = entry.model
    wanted = f"{cell.environment}-{cell.region}"
    if cell.name != wanted:
        entry.fault(
            "wrong-cell-name",
            ("name",),
            "`name` is not the cell's environment and region",
            given=cell.name,
            allowed=wanted,
            remedy=f"write {wanted} and rename the file, or correct `environment` or `region`",
        )


def zones_of_region(_draft: Draft, entry: Entry[Cell]) -> None:
    """Every zone lies in the cell's region."""
    region = entry.model.region
    for index, zone in enumerate(entry.model.zones):
        if zone[:-1] != region:
            entry.fault(
                "wrong-zone",
                ("zones", index),
                f"a zone is not in the region {region}",
                given=zone,
                allowed=f"{region}a, {region}b, ...",
                remedy=f"write {region}{zone[-1:]}, or correct `region`",
            )


def enough_zones(_draft: Draft, entry: Entry[Cell]) -> None:
    """A production cell has three zones, so that it can lose one and keep a quorum."""
    cell = entry.model
    if cell.environment == "prod" and len(cell.zones) < PRODUCTION_ZONES:
        entry.fault(
            "too-few",
            ("zones",),
            "a production cell has too few zones",
            given=cell.zones,
            allowed=f"{PRODUCTION_ZONES} zones",
            remedy="add a zone",
        )


def cloud_is_supported(_draft: Draft, entry: Entry[Cell]) -> None:
    """Cells on another cloud than AWS are in the model but not yet built."""
    if entry.model.cloud != "aws":
        entry.fault(
            "unsupported-cloud",
            ("cloud",),
            "cells on this cloud cannot be built yet",
            given=entry.model.cloud,
            allowed="aws",
            remedy="write aws",
        )


def minimum_below_maximum(_draft: Draft, entry: Entry[Cell]) -> None:
    """No pool of nodes and no serverless database has more at least than at most."""
    kubernetes = entry.model.kubernetes
    if "system_nodes" in kubernetes.__dict__:
        check_bounds(entry, ("kubernetes", "system_nodes"), kubernetes.system_nodes)
    for name, pool in kubernetes.node_pools.items():
        check_bounds(entry, ("kubernetes", "node_pools", name), pool)


def system_nodes_in_every_zone(_draft: Draft, entry: Entry[Cell]) -> None:
    """There is a system node for every zone."""
    minimum, zones = entry.model.kubernetes.system_nodes.minimum, len(entry.model.zones)
    if minimum < zones:
        entry.fault(
            "out-of-range",
            ("kubernetes", "system_nodes", "minimum"),
            "there are fewer system nodes than zones",
            given=minimum,
            allowed=f"{zones} or more, one for each zone",
            remedy=f"write {zones}",
        )


def databases_fit(_draft: Draft, entry: Entry[Cell]) -> None:
    """Each database's capacity is in order and its backups leave the region."""
    region = entry.model.region
    for name, settings in entry.model.databases.items():
        check_database(entry, ("databases", name), settings, region)


def backups_go_to_one_region(_draft: Draft, entry: Entry[Cell]) -> None:
    """All databases of a cell are copied to one region: one plan takes the backups of all."""
    first: tuple[str, str] | None = None
    for name, settings in entry.model.databases.items():
        region = settings.__dict__.get("backup_region")
        if region is None:
            continue
        first = first or (name, region)
        check_backup_region(entry, ("databases", name), region, first[1], first[0])


def sizes_of_nodes_are_known(_draft: Draft, entry: Entry[Cell]) -> None:
    """The CPUs of each instance type are known, as a pool's ceiling is stated in them."""
    for name, pool in entry.model.kubernetes.node_pools.items():
        for index, instance_type in enumerate(pool.instance_types):
            try:
                virtual_cpus(instance_type)
            except ValueError:
                entry.fault(
                    "not-allowed",
                    ("kubernetes", "node_pools", name, "instance_types", index),
                    "how many CPUs an instance of this type has is not known",
                    given=instance_type,
                    allowed="a size such as large, xlarge, 2xlarge or metal-24xl",
                    remedy="write a size with a number, such as 2xlarge",
                )


def allow_list_fits(draft: Draft, entry: Entry[Cell]) -> None:
    """The networks that reach every tenant of the cell fit into a security group."""
    check_allow_list(entry, effective(draft.organization.model, entry.model))


def groups_exist(draft: Draft, entry: Entry[Cell]) -> None:
    """The owner and those who may dial in are groups of the organization."""
    groups = draft.organization.model.groups
    check_group(entry, ("owner",), entry.model.owner, groups)
    for index, group in enumerate(entry.model.vpn.groups):
        check_group(entry, ("vpn", "groups", index), group, groups)


def check_group(
    entry: Entry[Any], location: Location, group: str, groups: Mapping[str, object]
) -> None:
    """Add a fault where a group is not the organization's."""
    if group in groups:
        return
    guess = nearest(group, groups)
    entry.fault(
        "unknown-group",
        location,
        "the organization has no such group",
        given=group,
        allowed=", ".join(groups),
        remedy=f"did you mean {guess}?" if guess else "add the group to organization.yaml",
    )


def check_bounds(
    entry: Entry[Any],
    location: Location,
    bounded: Any,
    keys: tuple[str, str] = ("minimum", "maximum"),
) -> None:
    """Add a fault where a minimum is above its maximum."""
    low, high = (bounded.__dict__.get(key) for key in keys)
    if low is None or high is None or low <= high:
        return
    node = entry.document.node(location)
    written = keys[0] if node is None or keys[0] in node.keys else keys[1]
    entry.fault(
        "minimum-over-maximum",
        (*location, written),
        f"`{keys[0]}` is above `{keys[1]}`",
        given=f"{keys[0]} {low:g}, {keys[1]} {high:g}",
        allowed=f"{keys[0]} up to {keys[1]}",
        remedy=f"lower `{keys[0]}` or raise `{keys[1]}`",
    )


def check_database(
    entry: Entry[Any], location: Location, settings: DatabaseSettings, region: str
) -> None:
    """Add faults where a database's settings contradict one another or its region."""
    known = settings.__dict__
    if known.get("serverless") is not None:
        check_bounds(entry, (*location, "serverless"), settings.serverless)
    if known.get("backup_region") == region:
        entry.fault(
            "backup-region",
            (*location, "backup_region"),
            "backups would stay in the region of the database",
            given=region,
            allowed="another region",
            remedy="write a second region under the same law, far enough to survive the first",
        )

    try:
        if known.get("instance_class") is not None:
            memory_bytes(settings)
    except ValueError:
        entry.fault(
            "not-allowed",
            (*location, "instance_class"),
            "how much memory an instance of this class has is not known",
            given=known["instance_class"],
            allowed="db.r<generation>, large to 48xlarge, or db.t<generation>, medium or large",
            remedy="write a class such as db.r8g.xlarge",
        )


def check_backup_region(
    entry: Entry[Any], location: Location, region: str, wanted: str, other: str
) -> None:
    """Add a fault where a database is copied elsewhere than the cell's others."""
    if region != wanted:
        entry.fault(
            "backup-region",
            (*location, "backup_region"),
            "the backups would be copied to another region than those of the cell",
            given=region,
            allowed=f"{wanted}, as {other} says",
            remedy=f"write {wanted}: one plan copies the backups of all databases of a cell",
        )


def check_allow_list(entry: Entry[Any], allow_list: AllowList) -> None:
    """Add a fault for each address family that has more networks than AWS takes."""
    for version in (4, 6):
        count = len(of_family(allow_list, version))
        if count > MOST_ENTRIES:
            entry.fault(
                "wrong-length",
                ("allow_list",),
                f"more IPv{version} networks are let in than a security group takes",
                given=f"{count}, those of the cell and of the offices among them",
                allowed=f"{MOST_ENTRIES} of each address family",
                remedy="join adjacent networks, or remove some",
                key=True,
            )


RULES = (
    account_of_environment,
    named_for_its_place,
    zones_of_region,
    enough_zones,
    cloud_is_supported,
    minimum_below_maximum,
    system_nodes_in_every_zone,
    databases_fit,
    backups_go_to_one_region,
    sizes_of_nodes_are_known,
    allow_list_fits,
    groups_exist,
)
