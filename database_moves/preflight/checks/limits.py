"""Checks that enough connections are free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.registry import check
from database_moves.preflight.situation import Server, statement
from database_moves.preflight.verdicts import Finding, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.options import MoveOptions
    from database_moves.preflight.situation import Situation

STEADY = 6
"""Sessions of a move beside those that copy or verify: the lease, heartbeat, snapshot, status,
guard and one to spare."""

_LIMITS = """
SELECT d.datconnlimit, s.numbackends, r.rolconnlimit,
       (SELECT count(*) FROM pg_stat_activity WHERE usename = session_user)
  FROM pg_database AS d JOIN pg_stat_database AS s ON s.datid = d.oid, pg_roles AS r
 WHERE d.datname = current_database() AND r.rolname = session_user
"""


def needed(options: MoveOptions) -> int:
    """Sessions that a move opens on each side at most."""
    return max(options.jobs, options.verify_jobs) + STEADY


@check("limits.connections", fine="connections are free on both servers")
def connections(situation: Situation) -> Iterator[Finding]:
    """A server without a free connection stops the move and, worse, its way out."""
    for server in situation.both:
        limit = server.number("max_connections")
        if not server.facts.superuser:
            limit -= server.number("superuser_reserved_connections")
            limit -= server.number("reserved_connections")
        used = server.value("SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database")
        yield from _judge(
            server,
            situation.options,
            limit - used,
            "the server",
            "close sessions, lower --jobs, or raise max_connections and restart",
        )


@check("limits.database", fine="limits of the databases and the role leave room")
def database(situation: Situation) -> Iterator[Finding]:
    """A database and a role may have a limit of their own."""
    for server in situation.both:
        if server.facts.superuser:
            continue
        of_database, in_database, of_role, as_role = server.rows(_LIMITS)[0]
        if of_database >= 0:
            yield from _judge(
                server,
                situation.options,
                of_database - in_database,
                "the database",
                statement("ALTER DATABASE {} CONNECTION LIMIT -1", server.facts.database),
            )
        if of_role >= 0:
            yield from _judge(
                server,
                situation.options,
                of_role - as_role,
                "this role",
                statement("ALTER ROLE {} CONNECTION LIMIT -1", server.facts.role),
            )


def _judge(
    server: Server, options: MoveOptions, free: int, what: str, remedy: str
) -> Iterator[Finding]:
    wanted = needed(options)
    if free < STEADY:
        yield refused(
            f"{what} allows {free} more sessions on the {server.side}; a move needs {STEADY} at "
            f"the very least, {wanted} with the jobs asked for",
            remedy,
        )
    elif free < wanted:
        yield warning(
            f"{what} allows {free} more sessions on the {server.side}; with the jobs asked for a "
            f"move opens {wanted}",
            remedy,
        )
