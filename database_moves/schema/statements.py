"""What is to be run for an entry of the archive: its statement, and who owns what it made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from database_moves.schema.archive import Archive
    from database_moves.schema.contents import Entry

# Of the session or of the database as a whole, or what a move makes itself.
_NOT_RUN = frozenset(
    (
        "ENCODING",
        "STDSTRINGS",
        "SEARCHPATH",
        "DATABASE",
        "DATABASE PROPERTIES",
        "PUBLICATION",
        "PUBLICATION TABLE",
        "PUBLICATION TABLES IN SCHEMA",
        "SUBSCRIPTION",
        "SUBSCRIPTION TABLE",
        "STATISTICS DATA",
    )
)

_ABOUT = frozenset(("ACL", "COMMENT", "SECURITY LABEL"))
"""Kinds of entries that say something of another object."""

# As pg_restore does: these are named by schema and name, those as they would be dropped.
_NAMED = frozenset(
    (
        "COLLATION",
        "CONVERSION",
        "DOMAIN",
        "EVENT TRIGGER",
        "FOREIGN DATA WRAPPER",
        "FOREIGN TABLE",
        "MATERIALIZED VIEW",
        "PROCEDURAL LANGUAGE",
        "SCHEMA",
        "SEQUENCE",
        "SERVER",
        "STATISTICS",
        "TABLE",
        "TEXT SEARCH CONFIGURATION",
        "TEXT SEARCH DICTIONARY",
        "TYPE",
        "VIEW",
    )
)
_WITH_ARGUMENTS = frozenset(
    ("AGGREGATE", "FUNCTION", "OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURE")
)

_AUTHORIZATION = re.compile(r"^(RE)?SET SESSION AUTHORIZATION\b", re.MULTILINE)


def is_run(entry: Entry, archive: Archive) -> bool:
    """Whether there is anything to run for an entry."""
    if entry.kind in _NOT_RUN or entry.kind.startswith(("PUBLICATION", "SUBSCRIPTION")):
        return False
    if entry.kind in _ABOUT and entry.name.startswith("DATABASE "):
        # Of the source's database, by its name: such a grant would open the one that is shut, or
        # another one of that name. pg_restore leaves them out as well where it makes no database.
        return False
    if entry.kind in ("ACL", "DEFAULT ACL") and not archive.grants:
        return False
    return bool(entry.statement.strip() or owner_statement(entry, archive))


def text(entry: Entry, archive: Archive) -> str:
    """The SQL of an entry, which ends with a newline."""
    statement = entry.statement
    if entry.kind in ("ACL", "DEFAULT ACL"):
        # Only a superuser may set the session's authorization; a member may set the role.
        statement = _AUTHORIZATION.sub(
            lambda found: "RESET ROLE" if found[1] else "SET LOCAL ROLE", statement
        )
    elif entry.kind == "SCHEMA" and entry.name == "public":
        # The target has one; pg_dump leaves a comment only, or a statement that would fail.
        statement = ""
    elif entry.access_method not in ("", "heap") and entry.kind in ("TABLE", "MATERIALIZED VIEW"):
        # The parts may be of another kind than the default of the target.
        method = sql.SQL("SET LOCAL default_table_access_method = {};\n").format(
            sql.Identifier(entry.access_method)
        )
        statement = (
            f"{method.as_string()}{statement}\nSET LOCAL default_table_access_method = heap;"
        )
    return f"{statement}\n{owner_statement(entry, archive)}\n"


def owner_statement(entry: Entry, archive: Archive) -> str:
    """`ALTER ... OWNER TO`, or nothing where it follows another object's owner."""
    # An identity's sequence, for one, is dropped with its table and can have no other owner.
    if not archive.owners or not entry.owner or not entry.drop:
        return ""
    if entry.kind in _NAMED:
        kind = "LANGUAGE" if entry.kind == "PROCEDURAL LANGUAGE" else entry.kind
        parts = (entry.schema, entry.name) if entry.schema else (entry.name,)
        what = f"{kind} {sql.Identifier(*parts).as_string()}"
    elif entry.kind in _WITH_ARGUMENTS:
        what = entry.drop.removeprefix("DROP ").rstrip().removesuffix(";")
    else:
        return ""
    return f"ALTER {what} OWNER TO {sql.Identifier(entry.owner).as_string()};\n"
