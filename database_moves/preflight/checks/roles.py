"""Checks that the roles are there on the target and may come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.owners import grantees, in_policies, owners
from database_moves.preflight.registry import check
from database_moves.preflight.situation import statement
from database_moves.preflight.verdicts import Finding, fine, named, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

_MAY_CONNECT = """
SELECT r.rolname::text FROM pg_roles AS r
 WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname = ANY(%(roles)s)
   AND has_database_privilege(r.oid, current_database(), 'CONNECT')
"""


@check("roles.missing", fine="every role that is needed exists on the target")
def missing(situation: Situation) -> Iterator[Finding]:
    """Roles belong to a server, not to a database, so they do not come with it."""
    options = situation.options
    needed = set(in_policies(situation.source))
    if options.owners:
        needed |= set(owners(situation.source))
    if options.grants:
        needed |= set(grantees(situation.source))
    lacking = tuple(sorted(needed - set(situation.target.names("SELECT rolname FROM pg_roles"))))
    if not lacking:
        return
    if options.create_roles and _may_create_roles(situation):
        yield fine(f"roles will be created on the target, without passwords: {named(lacking)}")
    elif options.create_roles:
        yield refused(
            f"the target lacks roles, and this role may not create them: {named(lacking)}",
            statement("ALTER ROLE {} CREATEROLE", situation.target.facts.role),
            lacking,
        )
    else:
        yield refused(
            f"the target lacks roles: {named(lacking)}",
            "\n".join(statement("CREATE ROLE {} LOGIN", role) for role in lacking)
            + "\nor have them created (--create-roles)",
            lacking,
        )


@check("roles.connect", fine="who may connect to the source may connect to the target")
def connect(situation: Situation) -> Iterator[Finding]:
    """Rights on the database itself do not come with what is in it."""
    source, target = situation.both
    concerned = (
        set(owners(source))
        | set(grantees(source))
        | set(source.names("SELECT DISTINCT usename FROM pg_stat_activity "
                           "WHERE datname = current_database() AND usename IS NOT NULL"))
    )  # fmt: skip
    allowed = set(source.names(_MAY_CONNECT, {"roles": list(concerned)}))
    there = set(target.names("SELECT rolname FROM pg_roles"))
    welcome = set(target.names(_MAY_CONNECT, {"roles": list(concerned)}))
    # The move itself closes the target until the cutover, by the same right.
    if _closed_by_a_move(situation):
        return
    barred = tuple(sorted((allowed & there) - welcome))
    if barred:
        yield warning(
            f"after the cutover these roles cannot log in at the target: {named(barred)}",
            "\n".join(
                statement("GRANT CONNECT ON DATABASE {} TO {}", target.facts.database, role)
                + " "
                + statement("ALTER ROLE {} LOGIN", role)
                for role in barred
            ),
            barred,
        )


def _may_create_roles(situation: Situation) -> bool:
    return bool(
        situation.target.value(
            "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
    )


def _closed_by_a_move(situation: Situation) -> bool:
    return bool(situation.target.value("SELECT to_regclass('patchworks_moves.gate') IS NOT NULL"))
