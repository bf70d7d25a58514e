"""The schema in which a move keeps, in each of its databases, what must not outlive a transaction.

`gate` says whether the database accepts writes, `marker` is replicated to prove what was applied,
`part` says which parts of which tables were copied, `note` keeps what later steps compare with.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from database_moves import names

if TYPE_CHECKING:
    import psycopg

# Two movers may come at once, and CREATE ... IF NOT EXISTS alone fails when they do.
_CREATING = int.from_bytes(hashlib.sha256(b"patchworks control schema").digest()[:8], signed=True)

# Both rows of `marker` are there from the start on both sides: replication then carries updates
# only, which neither collide with a row nor, since UPDATE sends the whole row, depend on its past.
_STATEMENTS = (
    "CREATE SCHEMA IF NOT EXISTS {schema}",
    """
    CREATE TABLE IF NOT EXISTS {schema}.gate (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        state text NOT NULL DEFAULT 'open'
            CHECK (state IN ('open', 'fenced', 'handed-over', 'closed')),
        epoch bigint NOT NULL DEFAULT 0,
        acl text,
        move text,
        note text,
        since timestamptz NOT NULL DEFAULT now())
    """,
    """
    CREATE TABLE IF NOT EXISTS {schema}.marker (
        side text PRIMARY KEY CHECK (side IN ('source', 'target')),
        n bigint NOT NULL DEFAULT 0,
        at timestamptz NOT NULL DEFAULT clock_timestamp())
    """,
    """
    CREATE TABLE IF NOT EXISTS {schema}.part (
        table_schema text,
        table_name text,
        part int,
        parts int NOT NULL,
        snapshot text NOT NULL,
        rows bigint NOT NULL,
        bytes bigint NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (table_schema, table_name, part))
    """,
    "CREATE TABLE IF NOT EXISTS {schema}.note (key text PRIMARY KEY, content jsonb NOT NULL)",
    "INSERT INTO {schema}.gate DEFAULT VALUES ON CONFLICT DO NOTHING",
    "INSERT INTO {schema}.marker (side) VALUES ('source'), ('target') ON CONFLICT DO NOTHING",
    # Default privileges may have granted what nobody asked for.
    "REVOKE ALL ON SCHEMA {schema} FROM PUBLIC",
)


def ensure(connection: psycopg.Connection[Any]) -> None:
    """Create the schema and its tables where they are missing; what is there stays.

    A new gate is open: a database that no move has touched accepts writes. Raises
    `psycopg.errors.InsufficientPrivilege` where the role may not create schemas.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_CREATING,))
        for statement in _STATEMENTS:
            connection.execute(sql.SQL(statement).format(schema=sql.Identifier(names.SCHEMA)))


def exists(connection: psycopg.Connection[Any]) -> bool:
    """Whether a move keeps anything in this database."""
    row = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (names.SCHEMA,)).fetchone()
    assert row is not None
    return bool(row[0])


def foreign_owner(connection: psycopg.Connection[Any]) -> str | None:
    """Whom the schema belongs to, where that is nobody for whom this role may act."""
    row = connection.execute(
        "SELECT pg_get_userbyid(nspowner) FROM pg_namespace "
        "WHERE nspname = %s AND NOT pg_has_role(nspowner, 'USAGE')",
        (names.SCHEMA,),
    ).fetchone()
    return None if row is None else str(row[0])


def remove(connection: psycopg.Connection[Any]) -> None:
    """Drop the schema with all that is in it; nothing happens where it is gone."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_CREATING,))
        connection.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(names.SCHEMA))
        )


def remember(connection: psycopg.Connection[Any], key: str, content: Any) -> None:
    """Keep a JSON value in this database until the move ends; a later one replaces it."""
    connection.execute(
        sql.SQL(
            "INSERT INTO {}.note AS n (key, content) VALUES (%s, %s) "
            "ON CONFLICT (key) DO UPDATE SET content = excluded.content"
        ).format(sql.Identifier(names.SCHEMA)),
        (key, Jsonb(content)),
    )


def recall(connection: psycopg.Connection[Any], key: str) -> Any:
    """The value kept under a key, or None."""
    row = connection.execute(
        sql.SQL("SELECT content FROM {}.note WHERE key = %s").format(sql.Identifier(names.SCHEMA)),
        (key,),
    ).fetchone()
    return None if row is None else row[0]
