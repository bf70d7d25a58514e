"""Checks that the sessions that are there can be seen, ended and kept out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves import names
from database_moves.preflight.registry import check
from database_moves.preflight.situation import statement
from database_moves.preflight.verdicts import Finding, counted, named, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

# Sessions of other roles show no application or backend type to those who may not look; every
# client has a role and a database, and of other processes only workers have.
_CLIENTS = """
SELECT a.pid, a.usename::text, coalesce(a.application_name, ''), r.rolsuper,
       pg_has_role(r.oid, 'USAGE')
  FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
 WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
   AND coalesce(a.backend_type, 'client backend') = 'client backend'
 ORDER BY a.usename, a.pid
"""


@check("sessions.visible", fine="this role sees what sessions do")
def visible(situation: Situation) -> Iterator[Finding]:
    """Without it an idle session and an open transaction look the same to the fence."""
    for server in situation.both:
        if not server.facts.sees_sessions:
            yield warning(
                f"this role does not see what others' sessions do on the {server.side}, so long "
                "transactions cannot be told from idle sessions",
                statement("GRANT pg_monitor TO {}", server.facts.role),
            )


@check("sessions.ending", fine="this role may end the sessions that are there", needs=("source",))
def ending(situation: Situation) -> Iterator[Finding]:
    """The fence ends every session that could still write."""
    source = situation.source
    if source.facts.superuser or source.value("SELECT pg_has_role('pg_signal_backend', 'USAGE')"):
        return
    roles = {
        role
        for _, role, _, is_superuser, member in source.rows(_CLIENTS)
        if not member and not is_superuser
    }
    if roles:
        found = tuple(sorted(roles))
        yield refused(
            f"this role cannot end sessions of {named(found)}",
            statement("GRANT pg_signal_backend TO {}", source.facts.role),
            found,
        )


@check("sessions.superusers", fine="no application logs in as a superuser", needs=("source",))
def superusers(situation: Situation) -> Iterator[Finding]:
    """No right can be taken from a superuser, so the fence does not keep one out."""
    found = [
        f"{role} (pid {pid}{', ' + application if application else ''})"
        for pid, role, application, is_superuser, _ in situation.source.rows(_CLIENTS)
        if is_superuser and not _ours(application)
    ]
    if found:
        yield warning(
            f"{counted(len(found), 'session')} of superusers on the source, whom the fence does "
            f"not keep out: {named(found)}",
            "let applications log in as a role without SUPERUSER; end the others before the "
            "cutover",
            tuple(found),
        )


@check("sessions.own-role", fine="no application logs in as the mover's role", needs=("source",))
def own_role(situation: Situation) -> Iterator[Finding]:
    """The fence leaves the mover's role in; an application that uses it would go on writing."""
    role = situation.source.facts.role
    found = [
        f"pid {pid}{' (' + application + ')' if application else ''}"
        for pid, user, application, _, _ in situation.source.rows(_CLIENTS)
        if user == role and not _ours(application)
    ]
    if found:
        yield refused(
            f"applications log in as the mover's role on the source: {named(found)}",
            "make a role for the mover alone, or end these sessions if they are your own",
            tuple(found),
        )


def _ours(application: str) -> bool:
    return application.startswith(f"{names.APPLICATION} ")
