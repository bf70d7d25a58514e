"""Removes from the target all that a move made there, so that it can begin anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves import control, crash_points, grantees, names
from database_moves.schema import restoring

if TYPE_CHECKING:
    import psycopg

    from database_moves.database import Database

_AT_ONCE = 400
"""Tables dropped in one transaction: each takes some of the server's locks."""

_NOT_EXTENSIONS = """NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = {oid}
    AND d.classid = '{catalog}'::regclass AND d.deptype = 'e')"""

_SCHEMAS = """
SELECT nspname FROM pg_namespace AS n WHERE nspname NOT LIKE 'pg\\_%%'
   AND nspname NOT IN ('information_schema', 'public', %s)
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = n.oid
                   AND d.classid = 'pg_namespace'::regclass AND d.deptype = 'e')
"""

# Schemas with objects of extensions stay, and public: what is in them goes one by one.
_HOLDING = """
SELECT DISTINCT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
"""

_EXTENSIONS = "SELECT extname FROM pg_extension"

_SERVERS = """
SELECT srvname FROM pg_foreign_server AS x WHERE NOT EXISTS (SELECT FROM pg_depend AS d
 WHERE d.objid = x.oid AND d.classid = 'pg_foreign_server'::regclass AND d.deptype = 'e')
"""

_NOTE = "extensions before the move"

_RELATIONS = (
    "SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' "
    "WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' "
    "ELSE 'TABLE' END, n.nspname, c.relname "
    "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND n.nspname = ANY(%s) AND "
    + _NOT_EXTENSIONS.format(oid="c.oid", catalog="pg_class")
    + " ORDER BY c.relkind = 'S', c.relkind = 'c', c.oid"
)

# Kind, and what names it in a DROP; the text is quoted by the server.
_OTHERS = tuple(
    (kind, query + " AND " + _NOT_EXTENSIONS.format(oid="x.oid", catalog=catalog))
    for kind, catalog, query in (
        (
            "ROUTINE",
            "pg_proc",
            "SELECT x.oid::regprocedure::text FROM pg_proc AS x "
            "JOIN pg_namespace AS n ON n.oid = x.pronamespace WHERE n.nspname = ANY(%s)",
        ),
        (
            "OPERATOR",
            "pg_operator",
            "SELECT format('%%I.%%s (%%s, %%s)', n.nspname, x.oprname, "
            "CASE x.oprleft WHEN 0 THEN 'NONE' ELSE format_type(x.oprleft, NULL) END, "
            "format_type(x.oprright, NULL)) FROM pg_operator AS x "
            "JOIN pg_namespace AS n ON n.oid = x.oprnamespace WHERE n.nspname = ANY(%s)",
        ),
        (
            "TYPE",
            "pg_type",
            "SELECT x.oid::regtype::text FROM pg_type AS x "
            "JOIN pg_namespace AS n ON n.oid = x.typnamespace WHERE n.nspname = ANY(%s) "
            "AND x.typtype IN ('e', 'd', 'r', 'b') AND x.typcategory <> 'A'",
        ),
        (
            "COLLATION",
            "pg_collation",
            "SELECT format('%%I.%%I', n.nspname, x.collname) FROM pg_collation AS x "
            "JOIN pg_namespace AS n ON n.oid = x.collnamespace WHERE n.nspname = ANY(%s)",
        ),
        (
            "TEXT SEARCH CONFIGURATION",
            "pg_ts_config",
            "SELECT format('%%I.%%I', n.nspname, x.cfgname) FROM pg_ts_config AS x "
            "JOIN pg_namespace AS n ON n.oid = x.cfgnamespace WHERE n.nspname = ANY(%s)",
        ),
        (
            "TEXT SEARCH DICTIONARY",
            "pg_ts_dict",
            "SELECT format('%%I.%%I', n.nspname, x.dictname) FROM pg_ts_dict AS x "
            "JOIN pg_namespace AS n ON n.oid = x.dictnamespace WHERE n.nspname = ANY(%s)",
        ),
        (
            "CONVERSION",
            "pg_conversion",
            "SELECT format('%%I.%%I', n.nspname, x.conname) FROM pg_conversion AS x "
            "JOIN pg_namespace AS n ON n.oid = x.connamespace WHERE n.nspname = ANY(%s)",
        ),
        (
            "STATISTICS",
            "pg_statistic_ext",
            "SELECT format('%%I.%%I', n.nspname, x.stxname) FROM pg_statistic_ext AS x "
            "JOIN pg_namespace AS n ON n.oid = x.stxnamespace WHERE n.nspname = ANY(%s)",
        ),
    )
)

_DEFAULTS = """
SELECT pg_get_userbyid(d.defaclrole), n.nspname,
       CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
            WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS'
            ELSE 'LARGE OBJECTS' END,
       array(SELECT DISTINCT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END
               FROM aclexplode(d.defaclacl) AS a),
       array(SELECT (CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END)
                    || E'\\t' || a.privilege_type
               FROM aclexplode(acldefault(d.defaclobjtype, d.defaclrole)) AS a
              WHERE d.defaclnamespace = 0)
  FROM pg_default_acl AS d LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
 WHERE pg_has_role(d.defaclrole, 'USAGE')
"""


def remember_extensions(connection: psycopg.Connection[Any]) -> None:
    """Keep which extensions are there before a move makes anything; a second call keeps it so."""
    if control.recall(connection, _NOTE) is None:
        names_found = [name for (name,) in connection.execute(_EXTENSIONS)]
        control.remember(connection, _NOTE, names_found)


def erase(target: Database) -> None:
    """Remove every object but the control schema and the extensions that were there before.

    For a target of which the control schema says that a move made what it holds: what was there
    besides would go too. Idempotent, and done in parts that a killed mover may leave between.
    """
    with restoring.session(target) as connection:
        erase_in(connection)


def erase_in(connection: psycopg.Connection[Any]) -> None:
    """As `erase`, in an open session."""
    # What was run is forgotten first: a kill in between must not leave a record without objects.
    restoring.forget(connection)
    own = [name for (name,) in connection.execute(_SCHEMAS, (names.SCHEMA,))]
    holding = {name for (name,) in connection.execute(_HOLDING)}
    schemas = [*own, "public", *(holding - {"pg_catalog"})]
    _drop_relations(connection, schemas)
    crash_points.reached("schema.erased-tables")
    _drop_extensions(connection)
    holding = {name for (name,) in connection.execute(_HOLDING)}
    for schema in own:
        if schema not in holding:
            _execute(connection, "DROP SCHEMA IF EXISTS {} CASCADE", schema)
    for kind, query in _OTHERS:
        for (name,) in connection.execute(query, (schemas,)).fetchall():
            connection.execute(
                sql.SQL("DROP {} IF EXISTS {} CASCADE").format(sql.SQL(kind), sql.SQL(name))
            )
    for (server,) in connection.execute(_SERVERS).fetchall():
        _execute(connection, "DROP SERVER IF EXISTS {} CASCADE", server)
    _reset_defaults(connection)
    connection.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")


def _drop_relations(connection: psycopg.Connection[Any], schemas: list[str]) -> None:
    found = connection.execute(_RELATIONS, (schemas,)).fetchall()
    for start in range(0, len(found), _AT_ONCE):
        with connection.transaction():
            for kind, schema, name in found[start : start + _AT_ONCE]:
                connection.execute(
                    sql.SQL("DROP {} IF EXISTS {} CASCADE").format(
                        sql.SQL(kind), sql.Identifier(schema, name)
                    )
                )


def _drop_extensions(connection: psycopg.Connection[Any]) -> None:
    before = control.recall(connection, _NOTE)
    if before is None:
        return
    for (name,) in connection.execute(_EXTENSIONS).fetchall():
        if name not in before:
            _execute(connection, "DROP EXTENSION IF EXISTS {} CASCADE", name)


def _reset_defaults(connection: psycopg.Connection[Any]) -> None:
    for role, schema, kind, holders, usual in connection.execute(_DEFAULTS).fetchall():
        head = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {}").format(sql.Identifier(role))
        if schema is not None:
            head += sql.SQL(" IN SCHEMA {}").format(sql.Identifier(schema))
        for grantee in holders:
            connection.execute(
                head
                + sql.SQL(" REVOKE ALL ON {} FROM {}").format(
                    sql.SQL(kind), grantees.identifier(grantee)
                )
            )
        for grant in usual:
            grantee, privilege = grant.split("\t")
            connection.execute(
                head
                + sql.SQL(" GRANT {} ON {} TO {}").format(
                    sql.SQL(privilege), sql.SQL(kind), grantees.identifier(grantee)
                )
            )


def _execute(connection: psycopg.Connection[Any], statement: str, name: str) -> None:
    connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
