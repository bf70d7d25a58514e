"""Checks that the servers have what logical replication takes, and that none of it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.registry import check
from database_moves.preflight.situation import Server, literal, statement
from database_moves.preflight.verdicts import (
    Finding,
    counted,
    fine,
    in_bytes,
    named,
    refused,
    warning,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

SENDERS = 2
"""One for the session that holds the snapshot, one for the stream."""

# Processes that max_worker_processes counts; the launcher is one.
_WORKERS = """
SELECT count(*) FROM pg_stat_activity
 WHERE backend_type NOT IN ('client backend', 'walsender', 'walreceiver', 'autovacuum worker',
       'autovacuum launcher', 'background writer', 'checkpointer', 'walwriter', 'archiver',
       'startup', 'walsummarizer', 'slotsync worker', 'io worker', 'standalone backend')
"""


@check("replication.wal-level", fine="wal_level is logical where changes are read")
def wal_level(situation: Situation) -> Iterator[Finding]:
    """Only with wal_level = logical does the WAL tell which rows have changed."""
    for server in situation.publishers:
        level = server.settings["wal_level"]
        if level != "logical":
            purpose = "" if server.side == "source" else ", which the way back needs"
            yield refused(
                f"wal_level is {level} on the {server.side}{purpose}",
                "ALTER SYSTEM SET wal_level = 'logical'; and restart (RDS and Aurora: "
                "rds.logical_replication = 1 and reboot; Cloud SQL: cloudsql.logical_decoding = on)"
                + ("" if server.side == "source" else "; or do without the way back"),
            )


@check("replication.slots", fine="replication slots are free")
def slots(situation: Situation) -> Iterator[Finding]:
    """The stream's position is kept by a slot; a server has a fixed number of them."""
    for server in situation.publishers:
        used = server.value("SELECT count(*) FROM pg_replication_slots")
        yield from _room(server, "max_replication_slots", used, 1)


@check("replication.senders", fine="WAL senders are free")
def senders(situation: Situation) -> Iterator[Finding]:
    """The snapshot's holder and the stream each occupy a WAL sender."""
    for server in situation.publishers:
        used = server.value("SELECT count(*) FROM pg_stat_replication")
        yield from _room(server, "max_wal_senders", used, SENDERS)


@check("replication.workers", fine="logical replication workers are free")
def workers(situation: Situation) -> Iterator[Finding]:
    """Changes are applied by a worker of the subscribing server; their number is fixed."""
    for server in situation.subscribers:
        used = server.value("SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL")
        yield from _room(server, "max_logical_replication_workers", used, 1)


@check("replication.processes", fine="worker processes are free")
def processes(situation: Situation) -> Iterator[Finding]:
    """Appliers and parallel index builds share max_worker_processes; without one nothing moves."""
    for server in situation.subscribers:
        yield from _room(server, "max_worker_processes", server.value(_WORKERS), 1)


@check("replication.origins", fine="replication origins are free")
def origins(situation: Situation) -> Iterator[Finding]:
    """A subscriber remembers how far it came in an origin, of which it has a fixed number."""
    for server in situation.subscribers:
        setting = (
            "max_active_replication_origins" if server.major >= 18 else "max_replication_slots"
        )
        used = server.value("SELECT count(*) FROM pg_replication_origin")
        yield from _room(server, setting, used, 1)


@check("replication.other-slots", fine="no other slot reads the source", needs=("source",))
def other_slots(situation: Situation) -> Iterator[Finding]:
    """Whoever reads changes from the source sees none after the cutover; idle slots fill the disk.

    A slot does not move: its reader must be given a new one on the target.
    """
    rows = situation.source.rows(
        "SELECT slot_name::text, active, coalesce(database = current_database(), false), "
        "coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN NULL "
        "ELSE pg_current_wal_lsn() END, restart_lsn), 0)::bigint "
        "FROM pg_replication_slots WHERE NOT temporary ORDER BY slot_name"
    )
    idle = [(name, kept) for name, active, _, kept in rows if not active]
    if idle:
        held = ", ".join(f"{name} ({in_bytes(kept)})" for name, kept in idle)
        yield warning(
            f"slots that nobody reads make the source keep WAL: {held}",
            "\n".join(f"SELECT pg_drop_replication_slot({literal(name)});" for name, _ in idle),
            tuple(name for name, _ in idle),
        )
    here = tuple(name for name, active, same, _ in rows if same and active)
    if here:
        yield warning(
            f"others read changes of this database: {named(here)}; after the cutover they see "
            "nothing more",
            "give each reader a slot on the target before applications write there",
            here,
        )


@check("replication.chained", fine="the source subscribes to nothing", needs=("source",))
def chained(situation: Situation) -> Iterator[Finding]:
    """A subscription of the source writes past the fence: it needs no right to connect."""
    found = situation.source.names(
        "SELECT subname FROM pg_subscription WHERE subdbid = "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY subname"
    )
    if found:
        yield refused(
            f"the source has {counted(len(found), 'subscription')}: {named(found)}; what they "
            "bring would be written past the fence and not be moved",
            "\n".join(statement("DROP SUBSCRIPTION {}", name) for name in found)
            + "\nand subscribe the target instead after the move",
            found,
        )


@check("replication.publications", fine="the source's publications can be made on the target")
def publications(situation: Situation) -> Iterator[Finding]:
    """Publications FOR ALL TABLES or IN SCHEMA need a superuser on the target."""
    found = situation.source.names(
        "SELECT pubname FROM pg_publication AS p WHERE puballtables OR EXISTS "
        "(SELECT FROM pg_publication_namespace AS n WHERE n.pnpubid = p.oid) ORDER BY pubname"
    )
    if found and not situation.target.facts.superuser:
        yield warning(
            f"this role cannot create {named(found)} on the target: publications FOR ALL TABLES "
            "or FOR TABLES IN SCHEMA need a superuser",
            "\n".join(statement("DROP PUBLICATION {}", name) for name in found)
            + "\nor create them on the target as a superuser after the move",
            found,
        )
    elif found:
        yield fine(f"{counted(len(found), 'publication')} of many tables, made by a superuser")


def _room(server: Server, setting: str, used: int, needed: int) -> Iterator[Finding]:
    limit = server.number(setting)
    if limit - used < needed:
        yield refused(
            f"the {server.side} has {setting} = {limit}, of which {used} are in use; "
            f"{needed} must be free",
            f"ALTER SYSTEM SET {setting} = {max(10, used + needed + 4)}; and restart "
            f"(RDS and Aurora: {setting} in the parameter group, then reboot)",
        )
