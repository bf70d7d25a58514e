"""The subscription of one stream, whose statement holds a password that no log may show."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from database_moves.database import Database
from database_moves.errors import MoveError

if TYPE_CHECKING:
    Connection = psycopg.Connection[tuple[Any, ...]]

_SUBSCRIPTION = """
SELECT s.oid::bigint, s.subenabled, s.subslotname, s.subpublications
  FROM pg_subscription AS s
 WHERE s.subname = %s
   AND s.subdbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
"""

_TABLES = """
SELECT n.nspname, c.relname FROM pg_subscription_rel AS r
  JOIN pg_class AS c ON c.oid = r.srrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE r.srsubid = %s AND r.srsubstate = 'r'
"""

# From 16 on there are parallel workers too, which have a leader; only the leader counts.
_WORKER = """
SELECT w.pid FROM pg_stat_subscription AS w
 WHERE w.subid = %s AND w.pid IS NOT NULL AND w.relid IS NULL
   AND to_jsonb(w) ->> 'leader_pid' IS NULL
"""

# Settings that keep a statement out of the log, for a role that may set them; others' are kept
# out by what `_secretly` does.
_QUIET = {
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_duration": "off",
    "log_lock_waits": "off",
    "log_error_verbosity": "terse",
}

_SECRET = "patchworks.conninfo"  # noqa: S105 - the name of a setting

# What the inner statement raises is raised anew: the original's context would quote the statement.
# A lock that is waited for is given up before deadlock_timeout, when the server would log it.
_DO = """
DO $secretly$
BEGIN
    PERFORM set_config('lock_timeout', '500ms', true);
    EXECUTE {before} || quote_literal(
        convert_from(decode(current_setting({secret}), 'hex'), 'UTF8')) || {after};
EXCEPTION WHEN OTHERS OR query_canceled THEN
    RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM;
END
$secretly$
"""


@dataclass(frozen=True)
class Subscription:
    """What a database's catalog says of one subscription."""

    oid: int
    enabled: bool
    slot: str | None
    publications: tuple[str, ...]


def find(connection: Connection, name: str) -> Subscription | None:
    """The database's subscription of that name."""
    row = connection.execute(_SUBSCRIPTION, (name,)).fetchone()
    return None if row is None else Subscription(row[0], row[1], row[2], tuple(row[3]))


def tables(connection: Connection, subscription: Subscription) -> set[tuple[str, str]]:
    """Schema and name of the tables whose changes are applied; all others' are skipped."""
    return {(row[0], row[1]) for row in connection.execute(_TABLES, (subscription.oid,))}


def worker(connection: Connection, subscription: Subscription) -> int | None:
    """The process that applies, if it runs now."""
    row = connection.execute(_WORKER, (subscription.oid,)).fetchone()
    return None if row is None else row[0]


def create(subscriber: Database, name: str, conninfo: str, *, enabled: bool) -> None:
    """Create the subscription on a slot and a publication that have its name; copies no rows.

    Raises `MoveError` with what the server said, in which no password is.
    """
    with _knowing(subscriber, conninfo) as connection:
        _secretly(
            connection,
            sql.SQL("CREATE SUBSCRIPTION {} CONNECTION ").format(sql.Identifier(name)),
            sql.SQL(" PUBLICATION {} WITH ({}, create_slot = false, copy_data = false, "
                    "slot_name = {}, enabled = {}, connect = true)").format(
                sql.Identifier(name),
                _options(connection),
                sql.Identifier(name),
                sql.SQL("true" if enabled else "false"),
            ),
        )  # fmt: skip


def update(subscriber: Database, name: str, conninfo: str) -> None:
    """Give an existing subscription the connection and options that a new one would have."""
    with _knowing(subscriber, conninfo) as connection:
        subscription = sql.Identifier(name)
        _secretly(
            connection,
            sql.SQL("ALTER SUBSCRIPTION {} CONNECTION ").format(subscription),
            sql.SQL(""),
        )
        connection.execute(
            sql.SQL("ALTER SUBSCRIPTION {} SET ({})").format(subscription, _options(connection))
        )
        found = find(connection, name)
        if found is not None and found.slot != name:
            connection.execute(
                sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = {})").format(
                    subscription, subscription
                )
            )


def switch(connection: Connection, name: str, *, enabled: bool) -> None:
    """Enable or disable; what is so already stays so."""
    connection.execute(
        sql.SQL("ALTER SUBSCRIPTION {} {}").format(
            sql.Identifier(name), sql.SQL("ENABLE" if enabled else "DISABLE")
        )
    )


def drop(connection: Connection, name: str) -> bool:
    """Drop the subscription without a word to the publisher, whose slot stays; False: none there.

    Its replication origin, the record of what was applied, goes with it.
    """
    if find(connection, name) is None:
        return False
    subscription = sql.Identifier(name)
    switch(connection, name, enabled=False)
    connection.execute(sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(subscription))
    connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(subscription))
    return True


def conninfo_of(publisher: Database, connection: Connection, name: str) -> str:
    """The string by which the subscriber's server reaches the publisher; it holds the password.

    What this process has from its environment, a password file or a service, the server has not;
    it is taken from an open connection.
    """
    parameters: dict[str, Any] = {**conninfo_to_dict(publisher.dsn), **publisher.dialled}
    info = connection.info
    for key, value in (
        ("host", info.host),
        ("port", info.port),
        ("user", info.user),
        ("dbname", info.dbname),
        ("password", info.password),
    ):
        if value:
            parameters.setdefault(key, value)
    for ours_alone in ("service", "passfile", "options", "client_encoding"):
        parameters.pop(ours_alone, None)
    for key, value in (
        ("connect_timeout", 10),
        ("keepalives_idle", 10),
        ("keepalives_interval", 5),
        ("keepalives_count", 4),
    ):
        parameters.setdefault(key, value)
    parameters["application_name"] = name
    return make_conninfo("", **parameters)


def _options(connection: Connection) -> sql.Composable:
    """What is the same for new and existing subscriptions.

    `binary` off: the two servers' versions differ, and text is what every type has.
    `streaming` on, not parallel: a large transaction is sent before it commits, yet one worker
    applies everything in the order of commits and no more workers are needed than were counted.
    `disable_on_error` off: an error may pass (a lock, a restart), and a subscription that is
    silently off looks as quiet as one that is done.
    `origin` none where it exists: what a stream brought is never sent back. Before 16 only the
    position of the slot sees to that.
    """
    options = ["binary = false", "streaming = on", "disable_on_error = false"]
    if connection.info.server_version >= 160000:
        options.append("origin = none")
    return sql.SQL(", ").join(sql.SQL(option) for option in options)


def _knowing(subscriber: Database, conninfo: str) -> Connection:
    """A session that has the secret as a setting, given as it began.

    No statement holds it, so it is in no log, whatever is logged, and in no statistics.
    """
    own = conninfo_to_dict(subscriber.dsn).get("options") or ""
    secret = conninfo.encode().hex()
    knowing = Database(
        subscriber.conninfo(options=f"{own} -c {_SECRET}={secret}".strip()), subscriber.side
    )
    connection = knowing.connect("subscribe")
    connection.execute(
        "SELECT set_config(w.name, w.value, false) "
        "FROM unnest(%s::text[], %s::text[]) AS w(name, value) "
        "WHERE has_parameter_privilege(w.name, 'SET')",
        (list(_QUIET), list(_QUIET.values())),
    )
    return connection


def _secretly(connection: Connection, before: sql.Composable, after: sql.Composable) -> None:
    """Run a statement that is the secret between two texts."""
    statement = sql.SQL(_DO).format(
        before=sql.Literal(before.as_string(connection)),
        secret=sql.Literal(_SECRET),
        after=sql.Literal(after.as_string(connection)),
    )
    for attempt in range(20):
        try:
            connection.execute(statement)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
            if attempt == 19:
                raise
            time.sleep(0.1)
        except psycopg.Error as error:
            said = error.diag.message_primary or type(error).__name__
            raise MoveError(f"the subscription was not made: {said}", remedy=_remedy(error)) from (
                error
            )
        else:
            return


def _remedy(error: psycopg.Error) -> str | None:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return (
            "from version 16 on the role needs pg_create_subscription and CREATE on the database; "
            "before, it must be a superuser"
        )
    if error.sqlstate == "2F003":
        return (
            "a role that is no superuser subscribes with a password, in the connection string and "
            "asked for by the other server"
        )
    return None
