"""Checks of what is going on that a move would have to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.registry import check
from database_moves.preflight.situation import literal
from database_moves.preflight.verdicts import (
    Finding,
    counted,
    in_seconds,
    named,
    refused,
    warning,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

LONG_SECONDS = 60
"""A transaction older than this is named."""

# A slot waits for the transactions of the whole server that have written, not of one database.
_LONG = """
SELECT pid, coalesce(usename, '-')::text, coalesce(datname, '-')::text,
       coalesce(application_name, ''), extract(epoch FROM now() - xact_start)::float8,
       datname = current_database()
  FROM pg_stat_activity
 WHERE xact_start < now() - make_interval(secs => %(seconds)s) AND pid <> pg_backend_pid()
   AND (datname = current_database() OR backend_xid IS NOT NULL)
   AND backend_type NOT IN ('walsender', 'autovacuum worker')
 ORDER BY xact_start
"""

_DDL = """
SELECT DISTINCT l.pid, format('%I.%I', n.nspname, c.relname), l.granted
  FROM pg_locks AS l
  JOIN pg_class AS c ON c.oid = l.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND n.nspname !~ '^pg_' AND l.pid IS NOT NULL
 UNION
SELECT p.pid, p.relid::regclass::text, true FROM pg_stat_progress_create_index AS p
 WHERE p.datname = current_database()
 ORDER BY 2, 1
"""


@check(
    "activity.prepared", fine="no transaction is prepared for two-phase commit", needs=("source",)
)
def prepared(situation: Situation) -> Iterator[Finding]:
    """A prepared transaction belongs to no session, so it commits past any fence."""
    rows = situation.source.rows(
        "SELECT gid, database::text, database = current_database(), "
        "extract(epoch FROM now() - prepared)::float8 FROM pg_prepared_xacts ORDER BY prepared"
    )
    for here, find, why in (
        (True, refused, "which could commit past the fence"),
        (False, warning, "in other databases of this server, on which the slot would wait"),
    ):
        found = [(gid, age, database) for gid, database, same, age in rows if same is here]
        if found:
            described = [f"{gid} ({in_seconds(age)} old)" for gid, age, _ in found]
            yield find(
                f"{counted(len(found), 'prepared transaction')}, {why}: {named(described)}",
                "\n".join(
                    f"ROLLBACK PREPARED {literal(gid)}; or COMMIT PREPARED {literal(gid)};"
                    + ("" if here else f" (in database {database})")
                    for gid, _, database in found
                ),
                tuple(gid for gid, _, _ in found),
            )


@check("activity.transactions", fine="no transaction has been open for long", needs=("source",))
def transactions(situation: Situation) -> Iterator[Finding]:
    """The slot is made only when all that was begun before has ended; the fence waits as well."""
    rows = situation.source.rows(_LONG, {"seconds": LONG_SECONDS})
    if rows:
        described = [
            f"pid {pid} of {user}"
            + (f" ({application})" if application else "")
            + f" for {in_seconds(age)}"
            + ("" if here else f" in {database}")
            for pid, user, database, application, age, here in rows
        ]
        yield warning(
            f"{counted(len(rows), 'transaction')} open for long on the source: {named(described)}",
            "\n".join(f"SELECT pg_terminate_backend({row[0]});" for row in rows)
            + "\nor let it end; --cancel-blockers ends what holds up the cutover",
            tuple(f"pid {row[0]}" for row in rows),
        )


@check("activity.ddl", fine="nobody is changing the source's tables", needs=("source",))
def ddl(situation: Situation) -> Iterator[Finding]:
    """The change stream carries no DDL: what is changed during a move stops the cutover."""
    rows = situation.source.rows(_DDL)
    if rows:
        described = [
            f"{table} by pid {pid}{'' if granted else ' (waiting)'}" for pid, table, granted in rows
        ]
        yield warning(
            f"tables are being changed or locked: {named(described)}",
            "let it end, and hold migrations back until the move is over",
            tuple(dict.fromkeys(table for _, table, _ in rows)),
        )
