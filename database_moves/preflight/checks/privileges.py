"""Checks that the mover's role, which need be no superuser, may do all that a move takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from database_moves.preflight.owners import owned, owners
from database_moves.preflight.registry import check
from database_moves.preflight.situation import Server, statement
from database_moves.preflight.verdicts import Finding, fine, named, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

_UNREADABLE = """
SELECT format('%I.%I', n.nspname, c.relname), n.nspname, c.relname
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'S', 'm') AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
   AND NOT (has_schema_privilege(n.oid, 'USAGE') AND
            CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
                           ELSE has_table_privilege(c.oid, 'SELECT') END)
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                   AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1
"""

# FORCE binds the owner too; otherwise whoever has the owner's rights is free.
_HIDDEN = """
SELECT format('%I.%I', n.nspname, c.relname), c.relforcerowsecurity,
       o.rolname, o.rolbypassrls OR o.rolsuper, n.nspname, c.relname
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_roles AS o ON o.oid = c.relowner
 WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity
   AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE'))
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                   AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1
"""

_OWNER_OF_DATABASE = """
SELECT pg_has_role(datdba, 'USAGE'), pg_get_userbyid(datdba)::text
  FROM pg_database WHERE datname = current_database()
"""


@check("privileges.replication", fine="this role may read the change stream")
def replication(situation: Situation) -> Iterator[Finding]:
    """Slots and streams need the REPLICATION attribute, or what stands for it in a cloud.

    A replication connection is really opened, so it counts whatever the server asks for.
    """
    for server in situation.publishers:
        role = server.facts.role
        try:
            server.database.connect_for_replication("preflight").close()
        except psycopg.OperationalError as error:
            yield refused(
                f"no replication connection to the {server.side}: {' '.join(str(error).split())}",
                statement("ALTER ROLE {} REPLICATION", role)
                + " (RDS and Aurora: "
                + statement("GRANT rds_replication TO {}", role)[:-1]
                + ")",
            )


@check("privileges.owners", fine="this role has the rights of all owners on the source")
def source_owners(situation: Situation) -> Iterator[Finding]:
    """Only an owner may publish a table; a membership counts only where it is inherited."""
    yield from _lacking(situation, situation.source, "USAGE", owners(situation.source))


@check("privileges.target-owners", fine="this role can give objects to their owners on the target")
def target_owners(situation: Situation) -> Iterator[Finding]:
    """Objects are created by the mover, then given to their owners; rows are applied as these."""
    if not situation.options.owners:
        yield fine("owners are not kept: all will belong to the mover's role")
        return
    target = situation.target
    needed = owners(situation.source)
    there = set(target.names("SELECT rolname FROM pg_roles"))
    present = tuple(owner for owner in needed if owner in there)
    yield from _lacking(situation, target, "MEMBER" if target.major < 16 else "SET", present)
    # ALTER ... OWNER asks whether the new owner might have created the object there.
    public = situation.source.names(
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class "
        "WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p', 'v', 'm', 'S') "
        "ORDER BY 1"
    )
    if target.facts.superuser or target.value("SELECT to_regnamespace('public') IS NULL"):
        return
    barred = target.names(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%(owners)s) "
        "AND NOT has_schema_privilege(oid, 'public', 'CREATE') ORDER BY 1",
        {"owners": list(public)},
    )
    if barred:
        yield refused(
            f"{named(barred)} may create nothing in schema public of the target, so what they own "
            "there cannot be given to them",
            "\n".join(statement("GRANT CREATE ON SCHEMA public TO {}", name) for name in barred)
            + "\nor make one of them the owner of the target database",
            barred,
        )


@check("privileges.create", fine="this role may create schemas and publications")
def create(situation: Situation) -> Iterator[Finding]:
    """The move keeps its own small schema on both sides, and publishes from the source."""
    for server in situation.both:
        if not server.value("SELECT has_database_privilege(current_database(), 'CREATE')"):
            yield refused(
                f"this role may create nothing in the {server.side}",
                statement(
                    "GRANT CREATE ON DATABASE {} TO {}", server.facts.database, server.facts.role
                ),
            )


@check("privileges.subscription", fine="this role may create subscriptions")
def subscription(situation: Situation) -> Iterator[Finding]:
    """The follower subscribes; PostgreSQL 15 lets superuser alone do so."""
    for server in situation.subscribers:
        if server.facts.superuser:
            continue
        purpose = "" if server.side == "target" else " (for the way back)"
        if server.major < 16:
            yield refused(
                f"the {server.side} runs PostgreSQL {server.major}, where only a superuser may "
                f"create a subscription{purpose}",
                f"connect to the {server.side} as a superuser"
                + ("" if server.side == "target" else ", or do without the way back"),
            )
        elif not server.value("SELECT pg_has_role('pg_create_subscription', 'USAGE')"):
            yield refused(
                f"this role may create no subscription on the {server.side}{purpose}",
                statement("GRANT pg_create_subscription TO {}", server.facts.role),
            )


@check("privileges.connect", fine="this role may close and open both databases")
def connect(situation: Situation) -> Iterator[Finding]:
    """The fence takes away the right to CONNECT; only the database's owner can."""
    for server in situation.both:
        holds, owner = server.rows(_OWNER_OF_DATABASE)[0]
        if not holds:
            role, database = server.facts.role, server.facts.database
            yield refused(
                f"this role cannot revoke CONNECT on the {server.side}, whose owner is {owner}",
                f"{_membership(server, owner, role)}\nor "
                + statement("ALTER DATABASE {} OWNER TO {}", database, role),
                (owner,),
            )


@check("privileges.read", fine="this role may read every table and sequence", needs=("source",))
def read(situation: Situation) -> Iterator[Finding]:
    """What cannot be read cannot be copied, and a table left out is a table lost."""
    rows = situation.source.rows(_UNREADABLE)
    if rows:
        role = situation.source.facts.role
        schemas = sorted({schema for _, schema, _ in rows})
        yield refused(
            f"this role cannot read {named([name for name, _, _ in rows])}",
            statement("GRANT pg_read_all_data TO {}", role)
            + " or, one by one:\n"
            + "\n".join(statement("GRANT USAGE ON SCHEMA {} TO {}", s, role) for s in schemas)
            + "\n"
            + "\n".join(statement("GRANT SELECT ON {} TO {}", (s, n), role) for _, s, n in rows),
            tuple(name for name, _, _ in rows),
        )


@check("privileges.row-security", fine="row-level security hides no row from a move")
def row_security(situation: Situation) -> Iterator[Finding]:
    """A policy that hides rows would leave them behind; and it stops the applier on the target."""
    rows = situation.source.rows(_HIDDEN)
    if not rows:
        return
    unbound = [s for s in situation.both if s.facts.superuser or s.facts.bypasses_row_security]
    tables = tuple(row[0] for row in rows)
    if len(unbound) < 2:
        sides = " and ".join(server.side for server in situation.both if server not in unbound)
        forced = [row for row in rows if row[1]]
        yield refused(
            f"row-level security binds this role on the {sides}: {named(tables)}",
            statement("ALTER ROLE {} BYPASSRLS", situation.source.facts.role)
            + " on both sides"
            + "".join(
                "\nor, for the length of the move: "
                + statement("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", (row[4], row[5]))
                for row in forced
            ),
            tables,
        )
    else:
        # Changes are applied as the table's owner, whom FORCE binds.
        bound = tuple(row[0] for row in rows if row[1] and not row[3])
        if bound:
            yield refused(
                f"row-level security is forced on the owners of {named(bound)}, as whom changes "
                "are applied",
                "\n".join(
                    statement("ALTER ROLE {} BYPASSRLS", owner)
                    for owner in sorted({row[2] for row in rows if row[1] and not row[3]})
                )
                + "\non both sides, for the length of the move",
                bound,
            )


def _lacking(
    situation: Situation, server: Server, right: str, needed: tuple[str, ...]
) -> Iterator[Finding]:
    rows = server.rows(
        "SELECT rolname::text, rolsuper FROM pg_roles WHERE rolname = ANY(%(owners)s) "
        "AND NOT pg_has_role(oid, %(right)s) ORDER BY rolname",
        {"owners": list(needed), "right": right},
    )
    roles = tuple(role for role, is_superuser in rows if not is_superuser)
    if roles:
        yield refused(
            f"this role lacks the rights of owners on the {server.side}: {named(roles)}",
            "\n".join(_membership(server, owner, server.facts.role) for owner in roles),
            roles,
        )
    superusers = [role for role, is_superuser in rows if is_superuser]
    if superusers:
        # Membership in a superuser's role would make the mover one.
        heir = situation.source.rows(_OWNER_OF_DATABASE)[0][1]
        theirs = owned(situation.source, superusers)
        yield refused(
            f"superusers own what is to be moved, and this role cannot act for them on the "
            f"{server.side}: {named([f'{kind} {name}' for _, kind, name in theirs])}",
            "on the source, as a superuser:\n"
            + "\n".join(_handover(kind, name, heir) for _, kind, name in theirs),
            tuple(name for _, _, name in theirs),
        )


def _handover(kind: str, name: str, heir: str) -> str:
    # The server has quoted the object's name already.
    return f"ALTER {kind.upper()} {name} " + statement("OWNER TO {}", heir)


def _membership(server: Server, owner: str, role: str) -> str:
    if server.major >= 16:
        return statement("GRANT {} TO {} WITH INHERIT TRUE, SET TRUE", owner, role)
    return statement("GRANT {} TO {}", owner, role)
