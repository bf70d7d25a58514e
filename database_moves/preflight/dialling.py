"""Has one server dial the other as a subscription would, and leaves nothing behind.

CREATE SUBSCRIPTION is the only way for a role that is no superuser to have a server dial another.
It is asked for with a connection string that wants a standby: libpq resolves, connects, encrypts
and logs in as ever, then finds that the other side is none, so the statement always fails and
makes nothing. A `DO` block runs it: only the block's own text reaches the log, `pg_stat_activity`
and `pg_stat_statements`, and a caught error is not logged. The connection string comes in as a
parameter of the session's start, which is logged nowhere.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from database_moves.database import Database
from database_moves.replication.subscriptions import conninfo_of

if TYPE_CHECKING:
    from database_moves.preflight.situation import Server

SECONDS = 8
"""How long the server may try; libpq inside a server heeds no `connect_timeout`."""

# The SQL standard calls a cancelled query no "other" error, and uncaught it would be logged with
# the statement that was cancelled.
_DIAL = """
DO $dial$
DECLARE said text;
BEGIN
  BEGIN
    EXECUTE format('CREATE SUBSCRIPTION %I CONNECTION %L PUBLICATION %I WITH (connect = true, '
                   'create_slot = false, slot_name = NONE, enabled = false, copy_data = false)',
                   current_setting('patchworks.name'),
                   convert_from(decode(current_setting('patchworks.dial'), 'hex'), 'UTF8'),
                   current_setting('patchworks.name'));
    RAISE EXCEPTION 'is not in hot standby mode';
  EXCEPTION WHEN OTHERS OR query_canceled THEN said := SQLSTATE || ' ' || SQLERRM;
  END;
  PERFORM set_config('patchworks.said', said, false);
END
$dial$
"""

_REACHED = "is not in hot standby mode"
"""What libpq says after a login, when it wanted a standby and found none."""


@dataclass(frozen=True)
class Answer:
    """How a dial ended."""

    outcome: Literal["reached", "failed", "unknown"]
    said: str = ""
    remedy: str | None = None


def dial(server: Server, other: Server) -> Answer:
    """Have `server` log in at `other` with the connection string that a subscription would use."""
    audited = audit(server)
    if audits_ddl(audited):
        return Answer(
            "unknown",
            f"pgaudit (pgaudit.log = {audited}) would write the password to the log, so it was "
            "not tried",
            "SET pgaudit.log to something without ddl for the mover's role",
        )
    if server.facts.in_recovery or other.facts.in_recovery:
        return Answer("unknown", "a standby takes no part in a move")
    if not _may_subscribe(server):
        return Answer("unknown", f"this role may create no subscription on the {server.side}")
    try:
        said = _said(server, other)
    except psycopg.Error as error:
        code = error.sqlstate or "no code"
        return Answer("unknown", f"the attempt ended with {type(error).__name__} ({code})")
    return _judge(server, said)


def audit(server: Server) -> str:
    """What pgaudit logs for this role, or nothing where there is none."""
    return str(server.value("SELECT coalesce(current_setting('pgaudit.log', true), '')"))


def audits_ddl(setting: str) -> bool:
    """Whether pgaudit logs CREATE SUBSCRIPTION under this value of `pgaudit.log`."""
    classes = {part.strip().lower() for part in setting.split(",")}
    return bool(classes & {"ddl", "all"}) and "-ddl" not in classes


def _judge(server: Server, said: str) -> Answer:
    code, _, message = said.partition(" ")
    # What precedes names the subscription, which never was.
    message = " ".join(message.split()).rpartition("could not connect to the publisher: ")[2]
    if _REACHED in message:
        return Answer("reached")
    if code == "57014":
        return Answer("failed", f"no answer within {SECONDS} s")
    if code == "42501" or "password is required" in message:
        return Answer("failed", message, "put the password itself into the connection string")
    spoken = server.settings.get("lc_messages", "C").partition(".")[0]
    if spoken not in ("C", "POSIX", "") and not spoken.startswith("en"):
        return Answer("unknown", f"its server said, in {spoken}: {message}")
    if "SSL support is not compiled in" in message:
        return Answer("failed", message, "that server can use no TLS: choose another sslmode")
    if "certificate" in message:
        return Answer(
            "failed",
            message,
            "the server itself verifies the certificate: name by sslrootcert a file that it can "
            "read, or 'system' where its version is 16 or later (RDS: "
            "/rdsdbdata/rds-metadata/ca-cert.pem)",
        )
    return Answer("failed", message)


def _may_subscribe(server: Server) -> bool:
    if server.facts.superuser:
        return True
    return bool(
        server.major >= 16
        and server.value(
            "SELECT pg_has_role('pg_create_subscription', 'USAGE') "
            "AND has_database_privilege(current_database(), 'CREATE')"
        )
    )


def _said(server: Server, other: Server) -> str:
    name = f"pw_preflight_{secrets.token_hex(6)}"
    wanted = make_conninfo(
        conninfo_of(other.database, other.connection, name), target_session_attrs="standby"
    )
    options = str(conninfo_to_dict(server.database.dsn).get("options") or "")
    dialler = Database(
        server.database.conninfo(
            options=f"{options} -c patchworks.name={name} "
            f"-c patchworks.dial={wanted.encode().hex()}".strip()
        ),
        server.side,
    )
    settings = {"statement_timeout": f"{SECONDS}s"}
    with dialler.session("preflight dial", autocommit=False, settings=settings) as connection:
        connection.execute(_DIAL)
        row = connection.execute("SELECT current_setting('patchworks.said')").fetchone()
        connection.rollback()
    assert row is not None
    return str(row[0])
