"""Rules for names and hostnames: unique, not reserved, and within the limits of what bears them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from catalog.document import Location
    from catalog.draft import Draft, Entry


def names_are_not_reserved(draft: Draft) -> None:
    """Nothing is called what PostgreSQL, Kubernetes, AWS or the platform keeps for itself."""
    _check_reserved(draft.organization, "organization", [(("name",), _name(draft.organization))])
    for cell in draft.cells.values():
        _check_reserved(cell, "database", _keys_of(cell, ("databases",)))
        _check_reserved(cell, "node pool", _keys_of(cell, ("kubernetes", "node_pools")))
    for entry in draft.tenants.values():
        _check_reserved(entry, "tenant", [(("name",), _name(entry))])
        _check_reserved(entry, "service", _keys_of(entry, ("services",)))


def names_keep_their_limits(draft: Draft) -> None:
    """Every name that is made from a tenant's fits PostgreSQL, Kubernetes, S3 and AWS."""
    organization = draft.organization.model
    for entry, cell in _placed(draft):
        for kind, name, limit in names.derived(organization, cell.model, entry.model.name):
            long = len(name) > limit
            bad = kind == "Bucket" and (
                name.startswith(names.RESERVED_BUCKET_PREFIXES)
                or name.endswith(names.RESERVED_BUCKET_SUFFIXES)
            )
            if long or bad:
                entry.fault(
                    "name-too-long" if long else "reserved-name",
                    ("name",),
                    f"the {kind.lower()} that is named after this tenant "
                    + (f"has {len(name)} characters" if long else "has a reserved name"),
                    given=name,
                    allowed=f"{limit} characters" if long else "a name that S3 does not reserve",
                    remedy=f"shorten `name` by {len(name) - limit}" if long else "change `name`",
                )


def derived_names_differ(draft: Draft) -> None:
    """No two names become the same one when physical names are made from them."""
    taken: dict[tuple[str, str, str], tuple[Entry[Any], Location]] = {}
    organization = draft.organization.model
    for name, cell in draft.cells.items():
        for location, database in _keys_of(cell, ("databases",)):
            key = ("database cluster", name, names.database_cluster(cell.model, database))
            taken.setdefault(key, (cell, location))
        for own in names.cell_roles(cell.model):
            made = names.role(organization, cell.model, own)
            taken.setdefault(("IAM role", cell.model.account, made), (cell, ("name",)))
    for entry, cell in _placed(draft):
        placed, tenant = cell.model, entry.model
        if tenant.placement.database == "dedicated":
            made = names.database_cluster(placed, names.dedicated_database(tenant.name))
            _claim(taken, ("database cluster", placed.name, made), entry, ("name",))
        made = names.load_balancer(placed, tenant.name)
        _claim(taken, ("load balancer", placed.name, made), entry, ("name",))
        for location, service in _keys_of(entry, ("services",)):
            made = names.role(organization, placed, tenant.name, service)
            _claim(taken, ("IAM role", placed.account, made), entry, location)


def hostnames_are_unique(draft: Draft) -> None:
    """No two tenants answer at the same hostname."""
    taken: dict[str, tuple[Entry[Any], Location]] = {}
    for entry, location, hostname in _hostnames(draft):
        owner = taken.setdefault(hostname, (entry, location))
        if owner[0] is not entry:
            entry.fault(
                "duplicate-hostname",
                location,
                "another tenant has this hostname",
                given=hostname,
                allowed=f"a hostname other than that of {owner[0].at(owner[1])}",
                remedy="choose another, or remove it from the other tenant first",
            )


def hostnames_are_in_the_domain(draft: Draft) -> None:
    """Hostnames lie below the organization's domain, outside the cells' own zones."""
    domain: str = draft.organization.model.domain
    cells = (name for name, cell in draft.cells.items() if cell.document.root is not None)
    zones = {f"{name}.{domain}" for name in cells}
    for entry, location, hostname in _hostnames(draft):
        if not hostname.endswith(f".{domain}"):
            entry.fault(
                "foreign-hostname",
                location,
                "the hostname is outside the organization's domain",
                given=hostname,
                allowed=f"a name below {domain}",
                remedy=f"write {hostname.split('.')[0]}.{domain}",
            )
        labels = hostname.removesuffix(f".{domain}").rsplit(".", 1)[-1]
        if f"{labels}.{domain}" in zones:
            entry.fault(
                "reserved-hostname",
                location,
                "the hostname lies in a cell's own zone",
                given=hostname,
                allowed=f"a name below {domain} but not below {labels}.{domain}",
                remedy="leave the cell out of the hostname: tenants move between cells",
            )
        if location[-1] == 0 and len(hostname) > names.COMMON_NAME_LIMIT:
            entry.fault(
                "name-too-long",
                location,
                "the first hostname is too long for a certificate's common name",
                given=hostname,
                allowed=f"{names.COMMON_NAME_LIMIT} characters; it has {len(hostname)}",
                remedy="put a shorter hostname first",
            )


def _name(entry: Entry[Any]) -> str:
    node = entry.document.node(("name",))
    return node.value if node is not None and isinstance(node.value, str) else ""


def _keys_of(entry: Entry[Any], location: Location) -> list[tuple[Location, str]]:
    node = entry.document.node(location)
    return [((*location, key), key) for key in (node.keys if node is not None else ())]


def _hostnames(draft: Draft) -> Iterator[tuple[Entry[Any], Location, str]]:
    for entry in draft.tenants.values():
        node = entry.document.node(("hostnames",))
        for step, item in node.children.items() if node is not None else ():
            location: Location = ("hostnames", step)
            if isinstance(item.value, str) and not entry.document.is_spoiled(location):
                yield entry, location, item.value


def _placed(draft: Draft) -> Iterator[tuple[Entry[Any], Entry[Any]]]:
    """Tenants whose name and cell are known, with their cells."""
    for entry in draft.tenants.values():
        known = entry.model.__dict__
        placement = known.get("placement")
        cell = draft.cells.get(getattr(placement, "cell", ""))
        if cell is None or "name" not in known or not hasattr(placement, "database"):
            continue
        if {"name", "environment", "account"} <= cell.model.__dict__.keys():
            yield entry, cell


def _check_reserved(entry: Entry[Any], kind: str, found: list[tuple[Location, str]]) -> None:
    prefixes = names.RESERVED_PREFIXES
    for location, name in found:
        if name in names.RESERVED[kind] or name.startswith(prefixes):
            entry.fault(
                "reserved-name",
                location,
                f"a {kind} cannot have this name"
                if kind[0] not in "aeiou"
                else f"an {kind} cannot have this name",
                given=name,
                allowed=f"any name but {', '.join(sorted(names.RESERVED[kind]))} "
                f"and those that start with {', '.join(prefixes)}",
                remedy="choose another name",
                key=len(location) > 1,
            )


def _claim(
    taken: dict[tuple[str, str, str], tuple[Entry[Any], Location]],
    key: tuple[str, str, str],
    entry: Entry[Any],
    location: Location,
) -> None:
    owner, place = taken.setdefault(key, (entry, location))
    if (owner, place) == (entry, location):
        return
    entry.fault(
        "name-collision",
        location,
        f"the {key[0]} made from this name is another's as well",
        given=key[2],
        allowed=f"a name other than that of {owner.at(place)}",
        remedy="rename one of the two",
        key=True,
    )


RULES: tuple[Callable[[Draft], None], ...] = (
    names_are_not_reserved,
    names_keep_their_limits,
    derived_names_differ,
    hostnames_are_unique,
    hostnames_are_in_the_domain,
)
