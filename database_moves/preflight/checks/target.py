"""Checks that the target is an empty database that nobody else fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves import names
from database_moves.preflight.registry import check
from database_moves.preflight.situation import statement
from database_moves.preflight.verdicts import Finding, counted, named, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

# Whatever an extension brought, and what hangs on it, is left out by pg_depend.
_OBJECTS = """
WITH own AS (
  SELECT oid FROM pg_namespace
   WHERE nspname IN ('information_schema', %(own)s) OR nspname ~ '^pg_'
), extension AS (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
)
SELECT described FROM (
  SELECT 'schema ' || quote_ident(n.nspname) AS described, 0 AS kind
    FROM pg_namespace AS n
   WHERE n.oid NOT IN (SELECT oid FROM own) AND n.nspname <> 'public'
     AND ('pg_namespace'::regclass, n.oid) NOT IN (SELECT * FROM extension)
  UNION ALL
  SELECT pg_describe_object('pg_class'::regclass, c.oid, 0), 1 FROM pg_class AS c
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't'
     AND c.relnamespace NOT IN (SELECT oid FROM own)
     AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM extension)
  UNION ALL
  SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0), 2 FROM pg_proc AS p
   WHERE p.pronamespace NOT IN (SELECT oid FROM own)
     AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM extension)
  UNION ALL
  SELECT pg_describe_object('pg_type'::regclass, t.oid, 0), 3 FROM pg_type AS t
   WHERE t.typtype IN ('b', 'd', 'e', 'r') AND t.typelem = 0
     AND t.typnamespace NOT IN (SELECT oid FROM own)
     AND ('pg_type'::regclass, t.oid) NOT IN (SELECT * FROM extension)
  UNION ALL
  SELECT 'event trigger ' || quote_ident(e.evtname), 4 FROM pg_event_trigger AS e
   WHERE ('pg_event_trigger'::regclass, e.oid) NOT IN (SELECT * FROM extension)
  UNION ALL
  SELECT 'large object ' || oid, 5 FROM (SELECT oid FROM pg_largeobject_metadata LIMIT 10) AS l
) AS found ORDER BY kind, described LIMIT 100
"""


@check("target.empty", fine="the target is empty but for extensions", needs=("target",))
def empty(situation: Situation) -> Iterator[Finding]:
    """Rows of others would be mixed with those that come, or be overwritten."""
    target = situation.target
    found = target.names(_OBJECTS, {"own": names.SCHEMA})
    if found:
        database = target.facts.database
        yield refused(
            f"the target is not empty: {named(found)}",
            "drop what is there, or move into a fresh one: "
            + statement("CREATE DATABASE {}", f"{database}_new"),
            found,
        )


@check(
    "target.publications", fine="nothing on the target publishes what arrives", needs=("target",)
)
def publications(situation: Situation) -> Iterator[Finding]:
    """A publication FOR ALL TABLES on the target sends on what the move brings, to whoever reads.

    The rows come twice to a reader that also reads the source.
    """
    found = situation.target.names(
        "SELECT pubname FROM pg_publication WHERE puballtables ORDER BY pubname"
    )
    if found:
        yield warning(
            f"{counted(len(found), 'publication')} FOR ALL TABLES on the target: {named(found)}",
            "\n".join(statement("DROP PUBLICATION {}", name) for name in found),
            found,
        )


@check("target.subscriptions", fine="no other subscription writes to the target", needs=("target",))
def subscriptions(situation: Situation) -> Iterator[Finding]:
    """Rows of another stream would be mixed with those of the move."""
    found = situation.target.names(
        "SELECT subname FROM pg_subscription WHERE subdbid = "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY subname"
    )
    if found:
        yield refused(
            f"the target already has {counted(len(found), 'subscription')}: {named(found)}",
            "finish the move they belong to, or:\n"
            + "\n".join(statement("DROP SUBSCRIPTION {}", name) for name in found),
            found,
        )
