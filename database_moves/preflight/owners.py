"""Which roles own, may use or are named by what a database holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from database_moves import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from database_moves.preflight.situation import Server

# Left out: what an extension brought, the system's own, and a move's own schema.
_OBJECTS = """
WITH extension AS (
  SELECT classid, objid FROM pg_depend
   WHERE deptype = 'e' OR (deptype = 'i' AND classid = 'pg_proc'::regclass)
), place AS (
  SELECT oid FROM pg_namespace
   WHERE nspname NOT IN ('information_schema', %(own)s) AND nspname !~ '^pg_'
), object (class, oid, owner, acl) AS (
  SELECT 'pg_namespace'::regclass, n.oid, n.nspowner, n.nspacl
    FROM pg_namespace AS n JOIN place USING (oid)
   WHERE n.nspname <> 'public'
  UNION ALL
  SELECT 'pg_class'::regclass, c.oid, c.relowner, c.relacl
    FROM pg_class AS c JOIN place ON place.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't'
  UNION ALL
  SELECT 'pg_proc'::regclass, p.oid, p.proowner, p.proacl
    FROM pg_proc AS p JOIN place ON place.oid = p.pronamespace
  UNION ALL
  SELECT 'pg_type'::regclass, t.oid, t.typowner, t.typacl
    FROM pg_type AS t JOIN place ON place.oid = t.typnamespace
   WHERE t.typtype IN ('b', 'd', 'e', 'r') AND t.typelem = 0
  UNION ALL
  SELECT 'pg_largeobject'::regclass, l.oid, l.lomowner, l.lomacl FROM pg_largeobject_metadata AS l
)
"""

_OWNERS = sql.SQL(_OBJECTS) + sql.SQL("""
SELECT DISTINCT pg_get_userbyid(owner)::text FROM object
 WHERE (class, oid) NOT IN (SELECT classid, objid FROM extension) ORDER BY 1
""")

# A sequence that belongs to a column changes hands with its table.
_OWNED = sql.SQL(_OBJECTS) + sql.SQL("""
SELECT pg_get_userbyid(o.owner)::text, i.type, i.identity
  FROM object AS o CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) AS i
 WHERE pg_get_userbyid(o.owner) = ANY(%(roles)s)
   AND (o.class, o.oid) NOT IN (SELECT classid, objid FROM extension)
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = o.class AND d.objid = o.oid
                   AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
 ORDER BY 1, 2, 3
""")

_GRANTEES = sql.SQL(_OBJECTS) + sql.SQL("""
SELECT DISTINCT r.rolname::text
  FROM (SELECT acl FROM object WHERE (class, oid) NOT IN (SELECT classid, objid FROM extension)
        UNION ALL SELECT defaclacl FROM pg_default_acl
        UNION ALL SELECT a.attacl FROM pg_attribute AS a JOIN object AS o
           ON o.class = 'pg_class'::regclass AND o.oid = a.attrelid WHERE a.attacl IS NOT NULL
        UNION ALL SELECT nspacl FROM pg_namespace WHERE nspname = 'public') AS held
 CROSS JOIN LATERAL aclexplode(held.acl) AS right_
  JOIN pg_roles AS r ON r.oid = right_.grantee
 WHERE r.rolname !~ '^pg_'
 ORDER BY 1
""")

_IN_POLICIES = """
SELECT DISTINCT r.rolname::text FROM pg_policy AS p JOIN pg_roles AS r ON r.oid = ANY(p.polroles)
 ORDER BY 1
"""


def owners(server: Server) -> tuple[str, ...]:
    """The owners of what a move brings along."""
    return server.names(_OWNERS, {"own": names.SCHEMA})


def owned(server: Server, roles: Sequence[str]) -> list[tuple[str, str, str]]:
    """What the roles own: owner, kind of object and its name, both as SQL writes them."""
    rows = server.rows(_OWNED, {"own": names.SCHEMA, "roles": list(roles)})
    return [
        (owner, "type" if kind == "composite type" else kind, name) for owner, kind, name in rows
    ]


def grantees(server: Server) -> tuple[str, ...]:
    """The roles that rights, also default ones, are granted to."""
    return server.names(_GRANTEES, {"own": names.SCHEMA})


def in_policies(server: Server) -> tuple[str, ...]:
    """The roles that row-level security policies name."""
    return server.names(_IN_POLICIES)
