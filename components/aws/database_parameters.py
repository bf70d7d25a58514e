"""The parameters of a database cluster: ready for moves, closed to plain text, audited.

`docs/decisions/aurora-settings.md` says where each number comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Iterable

CONCURRENT_MOVES = 20
"""Tenants of one cluster that may be copied at the same time."""

LEAST_SLOTS = 2 * CONCURRENT_MOVES
"""For clusters in which few tenants fit."""

CONNECTIONS_OF_SMALLEST_TENANT = 15
"""The least quota, and what a tenant's database admits beside its application."""

BESIDE_SLOTS = 10
"""Senders for base backups, tools and slots that reconnect."""

BESIDE_APPLY_WORKERS = 24
"""AWS: worker processes for autovacuum (3) and parallel queries (8) beside apply workers."""

SYNC_WORKERS = 4
"""Tables that one subscription copies in parallel when some are added to it later."""

MINUTE = 60_000
"""In milliseconds, the unit of PostgreSQL's time-outs."""

SENDER_TIMEOUT = 5 * MINUTE
"""Longer than a failover of the subscriber, so that the slot is not re-read from its start."""

IDLE_IN_TRANSACTION_TIMEOUT = 5 * MINUTE
"""An open transaction delays every move's slot and cutover; Aurora's default is a day."""

SLOW_STATEMENT = 1_000
"""Milliseconds from which a statement is logged."""

ORIGINS_SEPARATE_FROM = 18
"""The first major version that limits a subscriber's origins apart from its slots."""


@dataclass(frozen=True)
class Parameter:
    """A parameter's value, and whether PostgreSQL takes it only when it starts."""

    name: str
    value: str
    static: bool = False


def slots(connections: int) -> int:
    """Replication slots of a cluster that takes so many connections.

    A move holds one on the server that it leaves and, from the cutover until the move is ended, one
    on the server that it has come to: so there is one for each tenant that fits.
    """
    return max(LEAST_SLOTS, connections // CONNECTIONS_OF_SMALLEST_TENANT)


def cluster_parameters(major: int, connections: int) -> tuple[Parameter, ...]:
    """What holds for every instance of a cluster of a major version such as 16.

    `connections` is what one instance takes.
    """
    found = slots(connections)
    # A subscription has a leader and, while large transactions stream, one more.
    appliers = found + CONCURRENT_MOVES
    parameters: tuple[Parameter, ...] = (
        Parameter("rds.logical_replication", "1", static=True),
        Parameter("max_replication_slots", str(found), static=True),
        Parameter("max_wal_senders", str(found + BESIDE_SLOTS), static=True),
        Parameter("max_logical_replication_workers", str(appliers), static=True),
        Parameter("max_worker_processes", str(appliers + BESIDE_APPLY_WORKERS), static=True),
        Parameter("max_sync_workers_per_subscription", str(SYNC_WORKERS)),
        Parameter("wal_sender_timeout", str(SENDER_TIMEOUT)),
        Parameter("rds.force_ssl", "1"),
        Parameter("rds.accepted_password_auth_method", "scram"),
        Parameter("shared_preload_libraries", "pg_stat_statements,pgaudit", static=True),
        Parameter("pgaudit.log", "ddl,role"),
    )
    if major >= ORIGINS_SEPARATE_FROM:
        parameters += (Parameter("max_active_replication_origins", str(found), static=True),)
    return parameters


def instance_parameters() -> tuple[Parameter, ...]:
    """What each instance logs and how long it lets a session idle; readers may differ one day."""
    return (
        Parameter("log_connections", "1"),
        Parameter("log_disconnections", "1"),
        Parameter("log_lock_waits", "1"),
        Parameter("log_min_duration_statement", str(SLOW_STATEMENT)),
        # The values of a tenant's statements do not belong in the cell's log.
        Parameter("log_parameter_max_length", "0"),
        Parameter("idle_in_transaction_session_timeout", str(IDLE_IN_TRANSACTION_TIMEOUT)),
    )


class DatabaseParameters(pulumi.ComponentResource):
    """The two parameter groups of one cluster, named after it and its major version.

    A new major version is a new pair of groups, made before the old instance group goes.
    `connections` is what one instance of the cluster takes.
    """

    cluster_group_name: pulumi.Output[str]
    instance_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        identifier: str,
        major: int,
        connections: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:DatabaseParameters", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        family = f"aurora-postgresql{major}"
        cluster = aws.rds.ClusterParameterGroup(
            f"{name}-cluster",
            name=f"{identifier}-{major}",
            family=family,
            description="Logical replication, TLS and audit for the whole cluster.",
            parameters=[
                {"name": p.name, "value": p.value, "apply_method": _method(p)}
                for p in _sorted(cluster_parameters(major, connections))
            ],
            # AWS deletes no group that a cluster uses, and clusters are kept.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        instance = aws.rds.ParameterGroup(
            f"{name}-instance",
            name=f"{identifier}-{major}",
            family=family,
            description="Logging and time-outs of each instance.",
            parameters=[
                {"name": p.name, "value": p.value, "apply_method": _method(p)}
                for p in _sorted(instance_parameters())
            ],
            opts=child,
        )
        self.cluster_group_name = cluster.name
        self.instance_group_name = instance.name
        self.register_outputs(
            {
                "cluster_group_name": self.cluster_group_name,
                "instance_group_name": self.instance_group_name,
            }
        )


def _sorted(parameters: Iterable[Parameter]) -> list[Parameter]:
    return sorted(parameters, key=lambda parameter: parameter.name)


def _method(parameter: Parameter) -> str:
    return "pending-reboot" if parameter.static else "immediate"
