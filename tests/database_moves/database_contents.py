"""Says what a database holds by means that no move uses: pg_dump's text, and hashes of its own."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves.names import SCHEMA
from database_moves.schema import programs
from rehearsal.servers.postgresql_server import SUPERUSER

if TYPE_CHECKING:
    import psycopg
    from made import Made

Contents = dict[str, Any]

_NOT_NULL_NAME = re.compile(r'CONSTRAINT (?:\w+|"(?:[^"]|"")+_not_null") NOT NULL')

_SETTINGS = "SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET search_path = pg_catalog"

_RELATIONS = """
SELECT n.nspname, c.relname, c.relkind FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm', 'S') AND n.nspname NOT IN ('information_schema', %s)
   AND n.nspname !~ '^pg_' ORDER BY 1, 2
"""

# A row's own text, in no order: two of the same count twice.
_ROWS = """
SELECT count(*), coalesce(sum(('x' || left(md5("-row-"::text), 15))::bit(60)::bigint), 0)::text
  FROM ONLY {} AS "-row-"
"""

# By content and not by number alone, with what is said of each and who may use it.
_LARGE_OBJECTS = """
SELECT m.oid::bigint, pg_get_userbyid(m.lomowner),
       coalesce(m.lomacl, acldefault('L', m.lomowner))::text,
       obj_description(m.oid, 'pg_largeobject'), md5(lo_get(m.oid))
  FROM pg_largeobject_metadata AS m ORDER BY 1
"""


def contents(made: Made) -> Contents:
    """All that is in a database but the move's own, comparable between versions of servers."""
    found: Contents = {"schema": schema(made)}
    with made.superuser() as connection:
        connection.execute(_SETTINGS)
        for schema_name, name, kind in connection.execute(_RELATIONS, (SCHEMA,)).fetchall():
            relation = sql.Identifier(str(schema_name), str(name))
            if kind == "S":
                query = sql.SQL("SELECT last_value, is_called FROM {}").format(relation)
            else:
                query = sql.SQL(_ROWS).format(relation)
            found[f"{kind} {schema_name}.{name}"] = _filled(connection, query)
        found["large objects"] = connection.execute(_LARGE_OBJECTS).fetchall()
    return found


def differences(here: Contents, there: Contents) -> list[str]:
    """What is in one and not, or not so, in the other; empty where they are alike."""
    told = [
        f"{key}: {here.get(key)} and {there.get(key)}"
        for key in sorted(here.keys() | there.keys())
        if key != "schema" and here.get(key) != there.get(key)
    ]
    ours, theirs = set(here["schema"]), set(there["schema"])
    told += [f"- {entry}" for entry in here["schema"] if entry not in theirs]
    told += [f"+ {entry}" for entry in there["schema"] if entry not in ours]
    return told


def schema(made: Made) -> list[str]:
    """The statements of `pg_dump --schema-only`, by one program for servers of all versions."""
    program = programs.find(18).pg_dump
    answer = subprocess.run(
        [
            program,
            *("--schema-only", "--no-publications", "--no-subscriptions", "--no-password"),
            *("--exclude-schema", SCHEMA),
        ],
        env={
            "PATH": os.defpath,
            "LC_ALL": "C.UTF-8",
            "PGHOST": str(made.server.socket_directory),
            "PGPORT": str(made.server.port),
            "PGUSER": SUPERUSER,
            "PGDATABASE": made.name,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    text = answer.stdout.partition("\n-- PostgreSQL database dump complete")[0]
    # From 18 on these constraints have names, made up where a table was made without.
    text = _NOT_NULL_NAME.sub("NOT NULL", text)
    # Each entry of the archive begins with a comment that names it.
    return [entry.strip(" -\n") for entry in re.split(r"\n--\n-- (?=Name: )", text)[1:]]


def _filled(connection: psycopg.Connection[Any], query: sql.Composed) -> Any:
    try:
        return connection.execute(query).fetchone()
    except Exception as error:
        # An unfilled view must be unfilled on both sides.
        return str(error).splitlines()[0]
