"""Checks that these are two servers that a move can go between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.registry import check
from database_moves.preflight.situation import statement
from database_moves.preflight.verdicts import Finding, fine, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

OLDEST, NEWEST = 15, 18
"""Major versions that moves are tested with."""

CLOCKS_SECONDS = 1.0
"""Lag in seconds is a difference of the two servers' clocks."""


@check("server.version", fine="both versions are supported")
def version(situation: Situation) -> Iterator[Finding]:
    """Catalogs and replication differ between versions; a move is tested with some of them."""
    for server in situation.both:
        if server.major < OLDEST:
            yield refused(
                f"the {server.side} runs PostgreSQL {server.major}, which a move does not know",
                f"upgrade it to {OLDEST} or later in place first",
            )
        elif server.major > NEWEST:
            yield warning(
                f"the {server.side} runs PostgreSQL {server.major}; moves are tested up to {NEWEST}"
            )
    source, target = situation.source.major, situation.target.major
    if target >= source:
        yield fine(f"PostgreSQL {source} to {target}")
    elif situation.options.allow_older_target:
        yield warning(
            f"the target runs PostgreSQL {target}, older than the source's {source}: what only "
            f"{source} knows cannot be moved"
        )
    else:
        yield refused(
            f"the target runs PostgreSQL {target}, older than the source's {source}",
            "choose a newer target, or allow an older one on purpose (--allow-older-target)",
        )


@check("server.writable", fine="both sides accept writes")
def writable(situation: Situation) -> Iterator[Finding]:
    """A standby takes no slot's place, and a read-only database takes no row."""
    for server in situation.both:
        if server.facts.in_recovery:
            yield refused(
                f"the {server.side} is a standby",
                "name the primary (RDS and Aurora: the writer's endpoint)",
            )
        elif server.settings["default_transaction_read_only"] == "on":
            yield refused(
                f"transactions on the {server.side} are read-only by default",
                statement(
                    "ALTER DATABASE {} RESET default_transaction_read_only", server.facts.database
                )
                + " (or where else it is set: the role, the server)",
            )


@check("server.different", fine="source and target are two databases")
def different(situation: Situation) -> Iterator[Finding]:
    """Under two names the same database may look like a source and a target."""
    source, target = (server.database.identity(server.connection) for server in situation.both)
    if source == target:
        yield refused(
            "source and target are the same database of the same server",
            "check both connection strings",
        )


@check("server.clock", fine="both clocks agree")
def clock(situation: Situation) -> Iterator[Finding]:
    """Lag in seconds compares what one clock wrote with what the other says."""
    ahead = situation.clock_difference()
    if abs(ahead) > CLOCKS_SECONDS:
        yield warning(
            f"the target's clock is {abs(ahead):.1f} s {'ahead' if ahead > 0 else 'behind'}: lag "
            "in seconds will be wrong by as much; lag in bytes is not",
            "synchronise both machines' clocks (NTP)",
        )


@check("server.timeouts", fine="no timer ends replication early")
def timeouts(situation: Situation) -> Iterator[Finding]:
    """A timer that is too short cuts the stream while one big transaction is applied."""
    for server in situation.publishers:
        yield from _short(server.settings, server.side, "wal_sender_timeout")
        idle = server.number("idle_replication_slot_timeout")
        if idle:
            yield refused(
                f"the {server.side} invalidates slots that are idle (idle_replication_slot_timeout"
                f" = {idle} s), and a move's slot is idle for as long as rows are copied",
                "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();",
            )
    for server in situation.subscribers:
        yield from _short(server.settings, server.side, "wal_receiver_timeout")


@check("server.replication-role", fine="sessions fire triggers as usual")
def replication_role(situation: Situation) -> Iterator[Finding]:
    """With session_replication_role set for good, foreign keys and triggers stay silent."""
    for server in situation.both:
        role = server.settings["session_replication_role"]
        if role != "origin":
            yield warning(
                f"sessions on the {server.side} have session_replication_role = {role}, so "
                "triggers and foreign keys do not act as they should",
                statement(
                    "ALTER DATABASE {} RESET session_replication_role", server.facts.database
                ),
            )


def _short(settings: dict[str, str], side: str, name: str) -> Iterator[Finding]:
    milliseconds = int(settings[name])
    if milliseconds == 0:
        yield warning(
            f"{name} = 0 on the {side}: a connection that died is never noticed",
            f"ALTER SYSTEM SET {name} = '60s'; SELECT pg_reload_conf();",
        )
    elif milliseconds < 10_000:
        yield warning(
            f"{name} = {milliseconds} ms on the {side} may end the stream within one big "
            "transaction",
            f"ALTER SYSTEM SET {name} = '60s'; SELECT pg_reload_conf();",
        )
