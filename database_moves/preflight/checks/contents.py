"""Checks for what the change stream does not carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.registry import check
from database_moves.preflight.situation import statement
from database_moves.preflight.verdicts import (
    Finding,
    counted,
    in_bytes,
    in_seconds,
    named,
    refused,
    warning,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

CARRIED_BYTES = 50 * 1024**2
"""Bytes a second that are carried within the pause: an assumption, on the careful side of what
one COPY does on two cores."""

CARRIED_OBJECTS = 5_000
"""Large objects a second at most, each of which costs calls of its own."""

_BY_KIND = """
SELECT format('%%I.%%I', n.nspname, c.relname), n.nspname::text, c.relname::text
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = %(kind)s AND n.nspname !~ '^pg_'
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                   AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1
"""

_TABLESPACES = """
SELECT DISTINCT s.spcname::text
  FROM pg_class AS c JOIN pg_tablespace AS s ON s.oid = c.reltablespace
 WHERE s.spcname <> 'pg_global' ORDER BY 1
"""

_EVENT_TRIGGERS = """
SELECT evtname FROM pg_event_trigger AS e
 WHERE evtenabled <> 'D'
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_event_trigger'::regclass
                   AND d.objid = e.oid AND d.deptype = 'e')
 ORDER BY evtname
"""

_FIRING = """
SELECT format('%I on %I.%I', t.tgname, n.nspname, c.relname),
       CASE t.tgenabled WHEN 'A' THEN 'always' ELSE 'replica' END
  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE t.tgenabled IN ('A', 'R') AND NOT t.tgisinternal AND n.nspname !~ '^pg_'
 ORDER BY 1
"""


@check("contents.large-objects", fine="there are no large objects", needs=("source",))
def large_objects(situation: Situation) -> Iterator[Finding]:
    """The change stream carries no large objects: they are compared and carried in the pause."""
    source = situation.source
    count = source.value("SELECT count(*) FROM pg_largeobject_metadata")
    if count:
        # Their table has more than the live ones; who owns them all may not read its rows.
        size = source.value("SELECT pg_table_size('pg_largeobject')")
        yield from _carried(
            situation,
            f"{counted(count, 'large object')} of {in_bytes(size)}",
            size / CARRIED_BYTES + count / CARRIED_OBJECTS,
            "keep such values in bytea columns, or delete orphans: vacuumlo -n",
            (),
        )


@check("contents.unlogged-tables", fine="there are no unlogged tables", needs=("source",))
def unlogged(situation: Situation) -> Iterator[Finding]:
    """Unlogged tables leave no trace in the WAL: their rows are carried in the pause."""
    tables = [table for table in situation.source.tables if table.persistence == "unlogged"]
    if tables:
        size = sum(table.total_bytes for table in tables)
        found = tuple(str(table) for table in tables)
        yield from _carried(
            situation,
            f"{counted(len(tables), 'unlogged table')} of {in_bytes(size)}: {named(found)}",
            size / CARRIED_BYTES,
            "\n".join(statement("ALTER TABLE {} SET LOGGED", (t.schema, t.name)) for t in tables),
            found,
        )


@check("contents.foreign-tables", fine="there are no foreign tables", needs=("source",))
def foreign_tables(situation: Situation) -> Iterator[Finding]:
    """A foreign table's rows are elsewhere; the target's server must reach that place itself."""
    found = tuple(row[0] for row in situation.source.rows(_BY_KIND, {"kind": "f"}))
    if found:
        yield warning(
            f"{counted(len(found), 'foreign table')}, moved as a definition alone: {named(found)}",
            "let the target's server reach theirs, and check the passwords of user mappings there",
            found,
        )


@check("contents.materialized-views", fine="there are no materialized views", needs=("source",))
def materialized_views(situation: Situation) -> Iterator[Finding]:
    """They are computed anew on the target before the cutover; later refreshes do not arrive."""
    found = tuple(row[0] for row in situation.source.rows(_BY_KIND, {"kind": "m"}))
    if found:
        yield warning(
            f"{counted(len(found), 'materialized view')}, refreshed on the target once the rows "
            f"are copied and not again before the cutover: {named(found)}",
            "REFRESH MATERIALIZED VIEW after the cutover where newer contents matter",
            found,
        )


@check("contents.tablespaces", fine="no table needs a tablespace that the target lacks")
def tablespaces(situation: Situation) -> Iterator[Finding]:
    """A tablespace is a directory of the server's machine."""
    there = set(situation.target.names("SELECT spcname FROM pg_tablespace"))
    found = tuple(name for name in situation.source.names(_TABLESPACES) if name not in there)
    if found:
        yield warning(
            f"the target lacks tablespaces: {named(found)}; what they hold goes to its default one",
            "\n".join(statement("CREATE TABLESPACE {} LOCATION '...'", name) for name in found),
            found,
        )


@check("contents.security-labels", fine="there are no security labels", needs=("source",))
def security_labels(situation: Situation) -> Iterator[Finding]:
    """A label can be set only where its provider is loaded."""
    found = situation.source.names("SELECT DISTINCT provider FROM pg_seclabel ORDER BY 1")
    if found:
        yield warning(
            f"security labels of {named(found)} need their provider on the target",
            "add it to the target's shared_preload_libraries",
            found,
        )


@check("contents.event-triggers", fine="there are no event triggers")
def event_triggers(situation: Situation) -> Iterator[Finding]:
    """Event triggers need a superuser, and fire on what the move itself creates and drops."""
    for server in situation.both:
        found = server.names(_EVENT_TRIGGERS)
        if found:
            yield warning(
                f"event triggers on the {server.side} fire on the move's own DDL, and only a "
                f"superuser can create them: {named(found)}",
                "\n".join(statement("ALTER EVENT TRIGGER {} DISABLE", name) for name in found)
                + "\nfor the length of the move; then create them on the target as a superuser",
                found,
            )


@check("contents.firing-triggers", fine="no trigger fires on replicated changes", needs=("source",))
def firing_triggers(situation: Situation) -> Iterator[Finding]:
    """Such a trigger would act a second time on what it has acted upon at the source."""
    rows = situation.source.rows(_FIRING)
    if rows:
        found = tuple(f"{trigger} ({mode})" for trigger, mode in rows)
        yield warning(
            f"triggers that fire on replicated changes stay disabled on the follower until the "
            f"cutover: {named(found)}",
            None,
            found,
        )


def _carried(
    situation: Situation, what: str, seconds: float, remedy: str, objects: tuple[str, ...]
) -> Iterator[Finding]:
    options = situation.options
    said = f"{what}, carried within the pause in about {in_seconds(max(1, seconds))}"
    if seconds > options.max_pause:
        yield refused(
            f"{said}, longer than the whole pause may be ({options.max_pause:g} s)",
            f"{remedy}\nor allow a longer pause (--max-pause)",
            objects,
        )
    else:
        yield warning(said, remedy, objects)
