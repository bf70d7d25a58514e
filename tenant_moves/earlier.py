"""What an earlier move has left where a tenant goes to: an empty database, and its roles.

A stack lets go of a database and of roles without dropping them. Those of a move that was given up
would keep every later one from making its own there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog import names
from database_moves.database import Database
from database_moves.errors import RefusedError
from stacks.lost_side import LostSide
from tenant_moves import old_database
from tenant_moves.slices import key

if TYPE_CHECKING:
    import psycopg

    from tenant_moves.plan import Plan
    from tenant_moves.platform import Platform

    Connection = psycopg.Connection[tuple[Any, ...]]

_CONTENTS = """
SELECT (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
           AND c.relkind IN ('r', 'p', 'f', 'm', 'v', 'S'))
     + (SELECT count(*) FROM pg_largeobject_metadata)
"""


def hindrance(platform: Platform, plan: Plan) -> str | None:
    """Why what was left is in the way: it holds something; None where it does not.

    Raises `MoveError` where the server does not run, and `psycopg.OperationalError`.
    """
    server, roles = _left(platform, plan)
    return None if server is None else _reason(server, plan, roles)


def clear(platform: Platform, plan: Plan) -> None:
    """Drop an empty database and the roles that an earlier move left; again changes nothing.

    Raises `RefusedError` where the database is not empty, and as `hindrance` does.
    """
    server, roles = _left(platform, plan)
    if server is None:
        return
    reason = _reason(server, plan, roles)
    if reason is not None:
        raise RefusedError(reason)
    old_database.drop(_inside(server, plan), roles)


def _left(platform: Platform, plan: Plan) -> tuple[Database | None, tuple[str, ...]]:
    """The server with what no stack has any more, and which roles it has; None without any."""
    tenant = plan.tenant
    nothing = None, ()
    if key(plan.target) in platform.exports(tenant).databases:
        return nothing
    server = platform.maintenance(tenant, plan.target)
    if server is None:
        return nothing
    of_tenant = (names.application_role, names.read_only_role, names.owner_role)
    with server.session("check") as session:
        known = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
        found = {row[0] for row in session.execute(known, ([role(tenant) for role in of_tenant],))}
        there = _has_database(session, plan)
    if not (found or there):
        return nothing
    # An update that was cut short has made them, and tells of them when it is done.
    side = LostSide.of(platform.catalog, plan.target, plan.source, whole_cell=False)
    if platform.has_on(f"tenant.{tenant}", side):
        return nothing
    return server, tuple(role(tenant) for role in of_tenant if role(tenant) in found)


def _reason(server: Database, plan: Plan, roles: tuple[str, ...]) -> str | None:
    if not _has_contents(server, plan):
        return None
    name = names.database(plan.tenant)
    return (
        f"{key(plan.target)} has a database {name} of an earlier stay, with something in it: "
        f"see whether it is needed, and drop it and the roles {', '.join(roles)} there"
    )


def _inside(server: Database, plan: Plan) -> Database:
    return Database(server.conninfo(dbname=names.database(plan.tenant)), "target")


def _has_database(session: Connection, plan: Plan) -> bool:
    query = "SELECT FROM pg_database WHERE datname = %s"
    return session.execute(query, (names.database(plan.tenant),)).fetchone() is not None


def _has_contents(server: Database, plan: Plan) -> bool:
    with server.session("check") as session:
        if not _has_database(session, plan):
            return False
    with _inside(server, plan).session("check") as session:
        row = session.execute(_CONTENTS.encode()).fetchone()
    return row is not None and row[0] > 0
