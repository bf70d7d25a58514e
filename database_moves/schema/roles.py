"""Creates on the target the roles that the source's schema names and the target lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from database_moves.errors import MoveError
from database_moves.preflight.owners import grantees, in_policies, owners
from database_moves.preflight.situation import Server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from database_moves.database import Database

    Connection = psycopg.Connection[tuple[Any, ...]]

_ATTRIBUTES = """
SELECT rolname::text, rolcanlogin, rolinherit, rolcreatedb, rolcreaterole, rolconnlimit,
       rolvaliduntil::text
  FROM pg_roles WHERE rolname = ANY(%s) ORDER BY rolname
"""

_VERIFIERS = "SELECT rolname::text, rolpassword FROM pg_authid WHERE rolname = ANY(%s)"

_MEMBERSHIPS = """
SELECT pg_get_userbyid(roleid)::text, pg_get_userbyid(member)::text, bool_or(admin_option)
  FROM pg_auth_members
 WHERE pg_get_userbyid(roleid) = ANY(%(roles)s) AND pg_get_userbyid(member) = ANY(%(roles)s)
 GROUP BY 1, 2 ORDER BY 1, 2
"""


def create_missing(source: Database, target: Database) -> tuple[str, ...]:
    """Create the roles that are named on the source and missing on the target; those created.

    They get the attributes and the memberships among them that they have on the source, but never
    SUPERUSER, REPLICATION or BYPASSRLS. Passwords come along, as verifiers, only where both sides
    let a superuser in. Raises `MoveError` where this role may not create one.
    """
    with source.session("roles") as here, target.session("roles") as there:
        asked = Server(source, here)
        named = {*owners(asked), *grantees(asked), *in_policies(asked)}
        present = {name for (name,) in there.execute("SELECT rolname::text FROM pg_roles")}
        lacking = sorted(named - present)
        if not lacking:
            return ()
        verifiers = _verifiers(here, there, lacking)
        with there.transaction():
            for name, *attributes in here.execute(_ATTRIBUTES, (lacking,)).fetchall():
                _create(there, name, attributes, verifiers.get(name))
            _grant(there, here.execute(_MEMBERSHIPS, {"roles": lacking}).fetchall())
    return tuple(lacking)


def _create(there: Connection, name: str, attributes: list[Any], verifier: str | None) -> None:
    login, inherit, createdb, createrole, limit, valid_until = attributes
    words = [
        "LOGIN" if login else "NOLOGIN",
        "INHERIT" if inherit else "NOINHERIT",
        "CREATEDB" if createdb else "NOCREATEDB",
        "CREATEROLE" if createrole else "NOCREATEROLE",
    ]
    parts: list[sql.Composable] = [
        sql.SQL("CREATE ROLE {} ").format(sql.Identifier(name)),
        sql.SQL(" ").join(map(sql.SQL, words)),
        sql.SQL(" CONNECTION LIMIT {}").format(sql.Literal(int(limit))),
    ]
    if valid_until is not None:
        parts.append(sql.SQL(" VALID UNTIL {}").format(sql.Literal(valid_until)))
    if verifier is not None:
        parts.append(sql.SQL(" PASSWORD {}").format(sql.Literal(verifier)))
    try:
        # As bytes: a name may hold a percent sign, which would look like a parameter.
        there.execute(sql.Composed(parts).as_bytes(there))
        # What it is to own can be given to it only by a member.
        statement = sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(name))
        there.execute(statement.as_bytes(there))
    except psycopg.errors.InsufficientPrivilege as error:
        raise MoveError(
            f"role {name!r} can't be created on the target: {error.diag.message_primary}",
            remedy="create it there, or give the mover's role CREATEROLE",
        ) from error


def _grant(there: Connection, memberships: Iterable[tuple[str, str, bool]]) -> None:
    for role, member, admin in memberships:
        option = " WITH ADMIN OPTION" if admin else ""
        statement = sql.SQL(f"GRANT {{}} TO {{}}{option}").format(
            sql.Identifier(role), sql.Identifier(member)
        )
        there.execute(statement.as_bytes(there))


def _verifiers(here: Connection, there: Connection, roles: list[str]) -> dict[str, str]:
    for connection in (here, there):
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if row.fetchone() != (True,):
            return {}
    return {name: verifier for name, verifier in here.execute(_VERIFIERS, (roles,)) if verifier}
