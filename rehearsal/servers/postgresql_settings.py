"""Settings of the local PostgreSQL servers: small, durable, ready for logical replication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.servers.postgresql_server import SUPERUSER

if TYPE_CHECKING:
    from pathlib import Path

CONNECTIONS = 2000
"""What Aurora holds a cluster to that may shrink to half an ACU; 133 of the smallest tenants."""

# Ten servers fit in 500 MB. Slots, senders, workers and time-outs are those of the parameter groups
# of a cluster that takes so many connections (a test holds them equal), so a move that runs out of
# them here would run out there.
COMMON: dict[str, str | int] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "max_connections": CONNECTIONS,
    # All sessions together may hold as many locks as PostgreSQL lets 700 of them: the tables of
    # locks are what takes memory, 55 MB of 80 with the usual 64.
    "max_locks_per_transaction": 20,
    "max_pred_locks_per_transaction": 20,
    "shared_buffers": "16MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "wal_buffers": "1MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "max_worker_processes": 177,
    "max_parallel_workers": 2,
    "jit": "off",
    "huge_pages": "off",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_level": "logical",
    "max_replication_slots": 133,
    "max_wal_senders": 143,
    "max_logical_replication_workers": 153,
    "max_sync_workers_per_subscription": 4,
    "wal_sender_timeout": 300_000,
    "idle_in_transaction_session_timeout": 300_000,
    "log_connections": 1,
    "log_disconnections": 1,
    "log_lock_waits": 1,
    "log_parameter_max_length": 0,
    "password_encryption": "scram-sha-256",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # Statements hold passwords, whose verifiers belong in no log either.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": -1,
    "log_timezone": "UTC",
    "timezone": "UTC",
}

SINCE_18: dict[str, str | int] = {
    # The default starts three more processes a server.
    "io_method": "sync",
    "max_active_replication_origins": 133,
}


def configuration(major: int, port: int, socket_directory: Path) -> str:
    """The text of postgresql.conf."""
    settings = COMMON | (SINCE_18 if major >= 18 else {})
    settings |= {"port": port, "unix_socket_directories": str(socket_directory)}
    lines = (f"{name} = '{value}'" for name, value in settings.items())
    return "# Written anew at every start.\n" + "\n".join(lines) + "\n"


def authentication() -> str:
    """The text of pg_hba.conf.

    The superuser comes in by the unix socket only, whose directory nobody else may enter; all
    others prove their password.
    """
    return (
        f"local all         {SUPERUSER}              trust\n"
        f"host  all         {SUPERUSER} 127.0.0.1/32 reject\n"
        f"local all         all                    scram-sha-256\n"
        f"host  all         all      127.0.0.1/32 scram-sha-256\n"
        f"host  replication all      127.0.0.1/32 scram-sha-256\n"
    )
