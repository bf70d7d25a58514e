"""Checks of settings that belong to the database and do not come with what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from database_moves.preflight.registry import check
from database_moves.preflight.situation import Server, literal
from database_moves.preflight.verdicts import Finding, named, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

_SETTINGS = """
SELECT coalesce(r.rolname::text, ''), split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
  FROM pg_db_role_setting AS s CROSS JOIN LATERAL unnest(s.setconfig) AS c
  LEFT JOIN pg_roles AS r ON r.oid = s.setrole
 WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
 ORDER BY 1, 2
"""

# Their values are lists of names, and a literal would make one name of the list.
_LISTS = ("search_path", "temp_tablespaces", "session_preload_libraries",
          "local_preload_libraries")  # fmt: skip


@check("configuration.settings", fine="the database has no settings that the target lacks")
def settings(situation: Situation) -> Iterator[Finding]:
    """A search_path or time zone set for the database decides what applications read."""
    there = set(situation.target.rows(_SETTINGS))
    lacking = [row for row in situation.source.rows(_SETTINGS) if row not in there]
    if lacking:
        yield warning(
            "settings of the source database are not moved: "
            + named([name + (f" of {role}" if role else "") for role, name, _ in lacking]),
            "\n".join(_statement(situation.target, *row) for row in lacking),
            tuple(name for _, name, _ in lacking),
        )


def _statement(target: Server, role: str, name: str, value: str) -> str:
    database = sql.Identifier(target.facts.database)
    whose = (
        sql.SQL("ALTER ROLE {} IN DATABASE {}").format(sql.Identifier(role), database)
        if role
        else sql.SQL("ALTER DATABASE {}").format(database)
    )
    written = value if name in _LISTS else literal(value)
    return f"{whose.as_string(None)} SET {name} = {written};"
