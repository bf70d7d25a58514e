"""What forbids a move before anything is changed: each reason with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from components.postgresql.tenant_database import CONNECTIONS_BESIDE_APPLICATION
from database_moves.database import Database
from database_moves.errors import MoveError, RefusedError
from tenant_moves import earlier, retained
from tenant_moves.slices import key, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.database import Side
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Platform

    Connection = psycopg.Connection[tuple[Any, ...]]

SLOTS_NEEDED = 1
"""On each server: one stream forward, and one back."""


def check(platform: Platform, plan: Plan) -> None:
    """Raise `RefusedError` with every reason there is.

    Of a target that can't be reached yet, `check_target` tells once it can.
    """
    _refuse(plan, list(_reasons(platform, plan)))


def check_target(platform: Platform, plan: Plan) -> None:
    """Raise `RefusedError` with every reason that lies in the target's server."""
    dsn = platform.mover_dsn(platform.exports(plan.tenant).database(plan.source))
    with Database(dsn, "source").session("check") as source:
        extensions = _column(source, "SELECT extname FROM pg_extension")
    _refuse(plan, list(_target(platform, plan, extensions)))


def _refuse(plan: Plan, reasons: list[str]) -> None:
    if reasons:
        raise RefusedError(f"{plan.described} can't be made: {'; '.join(reasons)}")


def _reasons(platform: Platform, plan: Plan) -> Iterator[str]:
    suspended = platform.catalog.tenants[plan.tenant].suspended
    if suspended is not None:
        yield f"{plan.tenant} is suspended ({suspended}): take `suspended` out of its file first"
    extensions: list[str] = []
    try:
        exports = platform.exports(plan.tenant)
        dsn = platform.mover_dsn(exports.database(plan.source))
        with Database(dsn, "source").session("check") as source:
            extensions = _column(source, "SELECT extname FROM pg_extension")
            yield from _slots(source, "source", plan)
    except (MoveError, psycopg.OperationalError) as error:
        yield f"the database that serves does not answer ({_first(error)}): bring its cell up"
    yield from platform.hindrances(plan)
    yield from _left_there(platform, plan)
    if platform.reaches(plan):
        yield from _target(platform, plan, extensions)


def _target(platform: Platform, plan: Plan, extensions: list[str]) -> Iterator[str]:
    try:
        server = platform.maintenance(plan.tenant, plan.target)
        if server is None:
            # A dedicated database is made by the move itself.
            return
        with server.session("check") as target:
            yield from _slots(target, "target", plan)
            yield from _extensions(target, extensions, plan)
            yield from _room(platform, target, plan)
        left = earlier.hindrance(platform, plan)
        if left is not None:
            yield left
    except (MoveError, psycopg.OperationalError) as error:
        yield f"the target {key(plan.target)} does not answer ({_first(error)}): bring its cell up"


def _left_there(platform: Platform, plan: Plan) -> Iterator[str]:
    """Whether anything of an earlier stay is in the way, unless the stack has a slice there."""
    try:
        exports = platform.exports(plan.tenant)
    except MoveError:
        # Said already.
        return
    if key(plan.target) in exports.databases:
        return
    yield from retained.hindrances(
        platform.catalog,
        platform.aws,
        plan.tenant,
        plan.target,
        slice_there=plan.target.cell in exports.slices,
    )


def _slots(session: Connection, side: Side, plan: Plan) -> Iterator[str]:
    (free,) = _column(
        session,
        "SELECT current_setting('max_replication_slots')::int - count(*) FROM pg_replication_slots",
    )
    if free < SLOTS_NEEDED:
        place = plan.source if side == "source" else plan.target
        yield (
            f"{key(place)} has no replication slot left: finish other moves there, or raise "
            "max_replication_slots"
        )


def _extensions(target: Connection, needed: list[str], plan: Plan) -> Iterator[str]:
    known = _column(target, "SELECT name FROM pg_available_extensions")
    missing = sorted(set(needed) - set(known))
    if missing:
        yield (
            f"{key(plan.target)} does not offer the extensions {', '.join(missing)}: drop them "
            "from the tenant's database, or choose a database that has them"
        )


def _room(platform: Platform, target: Connection, plan: Plan) -> Iterator[str]:
    """Whether the connections of those that live there, and of the tenant, fit in one server."""
    served = platform.served()
    tenants = platform.catalog.tenants
    there = {
        name
        for name, tenant in tenants.items()
        if same(served.get(name, tenant.placement), plan.target)
    } | {plan.tenant}
    wanted = sum(
        tenants[name].quota.database_connections + CONNECTIONS_BESIDE_APPLICATION for name in there
    )
    (limit,) = _column(
        target,
        "SELECT current_setting('max_connections')::int "
        "- current_setting('superuser_reserved_connections')::int",
    )
    if wanted > limit:
        yield (
            f"{key(plan.target)} is full: {len(there)} tenants with {plan.tenant} may open "
            f"{wanted} connections, and the server takes {limit}: choose another database, or a "
            "larger one"
        )


def _column(session: Connection, query: str) -> list[Any]:
    return [row[0] for row in session.execute(query.encode())]


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
