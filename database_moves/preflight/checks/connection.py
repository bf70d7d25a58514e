"""Checks that each side is reached, by the mover and by the other side's server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from database_moves.preflight import dialling
from database_moves.preflight.registry import check
from database_moves.preflight.situation import statement
from database_moves.preflight.verdicts import Finding, fine, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Server, Situation

_NEAR = ("localhost", "127.0.0.1", "::1", "")


@check("connection.reachable", fine="both databases answer", needs=())
def reachable(situation: Situation) -> Iterator[Finding]:
    """Whoever cannot log in learns nothing more; both sides' faults come in one run."""
    for side, (fault, remedy) in situation.faults.items():
        missed = situation.not_checked
        rest = f"; so {len(missed)} checks could not be made" if missed else ""
        yield refused(f"the {side}: {fault}{rest}", remedy, missed)


@check(
    "connection.encryption",
    fine="sessions are encrypted and certificates verified, or stay on this machine",
)
def encryption(situation: Situation) -> Iterator[Finding]:
    """Rows and passwords cross the network for as long as the move lasts."""
    for server in situation.both:
        host = _host(server)
        if host in _NEAR or host.startswith(("/", "@")):
            continue
        if not server.connection.pgconn.ssl_in_use:
            yield warning(
                f"sessions with the {server.side} ({host}) are not encrypted",
                "add sslmode=verify-full and sslrootcert to the connection string; on the server: "
                "ssl = on (RDS: rds.force_ssl = 1)",
            )
        elif _parameter(server, "sslmode") != "verify-full":
            yield warning(
                f"sessions with the {server.side} ({host}) are encrypted, but its certificate is "
                "not verified",
                "add sslmode=verify-full and sslrootcert to the connection string",
            )


@check("connection.dial-source", fine="the target's server reaches the source")
def dial_source(situation: Situation) -> Iterator[Finding]:
    """The target's server itself fetches the changes: a route from here is not enough."""
    yield from _dial(situation.target, situation.source)


@check("connection.dial-target", fine="the source's server reaches the target")
def dial_target(situation: Situation) -> Iterator[Finding]:
    """For the way back the old side follows the new one, so its server must reach it."""
    if situation.options.rollback:
        yield from _dial(situation.source, situation.target)
    else:
        yield fine("not needed: no way back was asked for")


@check("connection.password-in-log", fine="nothing records the password of a subscription")
def password_in_log(situation: Situation) -> Iterator[Finding]:
    """A subscription's connection string has the other side's password in it.

    It is created within a block, of which log_statement and log_min_duration_statement write the
    outer text alone; these look inside.
    """
    for server in situation.subscribers:
        role, audited = server.facts.role, dialling.audit(server)
        tracked = server.value("SELECT current_setting('pg_stat_statements.track', true)")
        if dialling.audits_ddl(audited):
            yield warning(
                f"pgaudit on the {server.side} (pgaudit.log = {audited}) writes the statement "
                "that creates the subscription to the log, with the password in it",
                statement("ALTER ROLE {} SET pgaudit.log = 'none'", role)
                + " (as a superuser; RDS: rds_superuser) or change the password after the move",
            )
        if tracked == "all":
            yield warning(
                f"pg_stat_statements on the {server.side} keeps the statement that creates the "
                "subscription, with the password in it",
                statement("ALTER ROLE {} SET pg_stat_statements.track = 'top'", role)
                + " (as a superuser; RDS: rds_superuser) or change the password after the move",
            )


def _dial(server: Server, other: Server) -> Iterator[Finding]:
    route = f"the {server.side}'s server cannot reach the {other.side}"
    answer = dialling.dial(server, other)
    if answer.outcome == "unknown":
        yield warning(
            f"whether the {server.side}'s server reaches the {other.side} is not known: "
            f"{answer.said}",
            answer.remedy,
        )
    elif answer.outcome == "failed":
        yield refused(
            f"{route}: {answer.said}",
            answer.remedy
            or f"let the {server.side}'s server through to {other.database.address}: DNS, routes, "
            "security groups, pg_hba.conf, and certificates that the server itself can read",
        )
    elif not (server.facts.superuser or other.connection.pgconn.used_password):
        yield refused(
            f"the {other.side} asks for no password, and a subscription of a role that is no "
            "superuser must use one",
            "ask for a password in pg_hba.conf (scram-sha-256) and put it into the connection "
            "string",
        )


def _host(server: Server) -> str:
    return str(_parameter(server, "host") or _parameter(server, "hostaddr") or "")


def _parameter(server: Server, name: str) -> str:
    return str(conninfo_to_dict(server.database.dsn).get(name) or "")
