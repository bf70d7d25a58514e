"""Finds the tenants whose declared placement is not the one that serves them, and orders them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import psycopg

from catalog import names
from database_moves.database import Database
from database_moves.errors import MoveError, RefusedError
from tenant_moves import entries, plan
from tenant_moves.fleet import standing
from tenant_moves.fleet.board import OPEN
from tenant_moves.fleet.orders import Order
from tenant_moves.slices import NotBroughtUpError, key, same

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.tenant import Placement
    from database_moves.options import MoveOptions
    from tenant_moves.fleet.board import Entry
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Platform

Rank = Literal["tier", "smallest", "largest", "name"]

TIERS = ("trial", "standard", "enterprise")
"""Those go first whom a surprise would hurt least."""
USUAL_PRIORITY = 100
SETTLED = "is served where it is declared"
"""Of whom nothing needs to be said."""


@dataclass(frozen=True)
class Gathered:
    """What could be put into the queue."""

    orders: tuple[Order, ...]
    """In the order in which they shall go."""
    sizes: Mapping[str, int]
    """Bytes of the tenants' databases, where their order asks for it."""
    left: Mapping[str, str]
    """Why a tenant that could be meant needs no place in the queue."""
    refused: Mapping[str, str]
    """Why a tenant can't be put there."""


def gather(
    platform: Platform,
    tenants: Sequence[str],
    known: Mapping[str, Entry],
    options: MoveOptions,
    *,
    rank: Rank,
    priority: int,
    finish: bool,
) -> Gathered:
    """Look at tenants, or at all where none is named; nobody is put into the queue.

    `priority` goes before the order by `rank`: what has a lower one goes first, whatever waits.
    """
    left: dict[str, str] = {}
    refused: dict[str, str] = {}
    plans: dict[str, Plan] = {}
    for tenant in tenants or platform.catalog.tenants:
        entry = known.get(tenant)
        if entry is not None and entry.state in (*OPEN, "paused"):
            left[tenant] = f"is {entry.state} already"
            continue
        try:
            found = _plan(platform, tenant)
        except MoveError as error:
            # A tenant nobody named and nobody brought up is no fault.
            if tenants or not isinstance(error, _NeverUpError):
                refused[tenant] = str(error)
            elif (why := standing.being_created(platform, tenant)) is not None:
                left[tenant] = why
            continue
        if found is None:
            left[tenant] = SETTLED
            continue
        stays = None if found.begun else standing.suspended(platform.catalog, tenant)
        if stays is None:
            plans[tenant] = found
        elif tenants:
            refused[tenant] = f"{stays}: take `suspended` out of its file first"
        else:
            left[tenant] = stays
    sizes: dict[str, int] = {}
    if rank in ("smallest", "largest"):
        for tenant in list(plans):
            try:
                sizes[tenant] = _size(platform, plans[tenant])
            except (MoveError, psycopg.OperationalError) as error:
                said = next(iter(str(error).strip().splitlines()), "no answer")
                refused[tenant] = f"its database does not answer: {said}"
                del plans[tenant]
    order = sorted(plans, key=lambda name: _rank(platform, rank, name, sizes))
    orders = [
        Order(
            tenant=tenant,
            source=key(plans[tenant].source),
            target=key(plans[tenant].target),
            leaves=_server(platform, tenant, plans[tenant].source),
            arrives=_server(platform, tenant, plans[tenant].target),
            priority=priority * 10_000 + min(place, 9_999),
            finish=finish,
            options=options,
        )
        for place, tenant in enumerate(order)
    ]
    return Gathered(tuple(orders), sizes, left, refused)


class _NeverUpError(RefusedError):
    """The tenant's stack has never been brought up."""


def _plan(platform: Platform, tenant: str) -> Plan | None:
    """The move there is to make or to go on with, up to the cutover."""
    catalog = platform.catalog
    try:
        serving = platform.exports(tenant).serving
    except NotBroughtUpError as error:
        raise _NeverUpError(f"has never been brought up: {error.message}") from None
    ledger = entries.table(catalog.organization, platform.aws)
    entry, declared = ledger.entry(tenant), catalog.tenants[tenant].placement
    if entry is None and serving == key(declared):
        return None
    entry = entry or entries.first(ledger, catalog, tenant, serving)
    found = plan.compare(catalog, tenant, entry)
    if found is None or not found.begun or not same(entry.placement, found.target):
        return found
    if found.closing or same(declared, found.target):
        return None
    raise RefusedError(
        f"has moved to {key(found.target)} and can still go back, and {key(declared)} is "
        "declared now",
        remedy=f"`patchworks tenant rollback {tenant}` brings it back",
    )


def _rank(
    platform: Platform, rank: Rank, tenant: str, sizes: Mapping[str, int]
) -> tuple[float, str]:
    if rank == "tier":
        return TIERS.index(platform.catalog.tenants[tenant].tier), tenant
    size = sizes.get(tenant, 0)
    return {"smallest": size, "largest": -size}.get(rank, 0), tenant


def _size(platform: Platform, found: Plan) -> int:
    at = platform.exports(found.tenant).database(found.source)
    with Database(platform.mover_dsn(at), "source").session("enqueue") as session:
        row = session.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def _server(platform: Platform, tenant: str, place: Placement) -> str:
    own = place.dedicated is not None
    name = names.dedicated_database(tenant) if own else place.database
    return names.database_cluster(platform.catalog.cells[place.cell], name)
