"""What wakes somebody up about a database cluster.

Alarms watch the WRITER and READER roles, not instances, since a failover swaps them
(https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/creating_alarms.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pulumi
import pulumi_aws as aws

from catalog.instance_sizes import GIB, max_connections, memory_bytes

if TYPE_CHECKING:
    from catalog.cell import DatabaseSettings

PERIOD_SECONDS = 60


@dataclass(frozen=True)
class Alarm:
    """A limit that a metric of namespace AWS/RDS must not pass for so many minutes."""

    name: str
    metric: str
    role: Literal["WRITER", "READER"]
    threshold: float
    """In the metric's own unit: percent, bytes, milliseconds, connections or transactions."""
    minutes: int
    meaning: str
    below: bool = False


def alarms(spec: DatabaseSettings) -> tuple[Alarm, ...]:
    """The alarms of one cluster; connections and memory depend on its size."""
    roles: tuple[Literal["WRITER", "READER"], ...] = ("WRITER", "READER")
    found = [
        alarm
        for role in roles
        for alarm in (
            Alarm(
                f"{role.lower()}-cpu",
                "CPUUtilization",
                role,
                80,
                15,
                "The instance is short of CPU: find the statements, or give it a larger size.",
            ),
            Alarm(
                f"{role.lower()}-connections",
                "DatabaseConnections",
                role,
                0.8 * max_connections(spec),
                5,
                "Connections are running out: a pooler's limits are too high, or it leaks.",
            ),
            _memory(spec, role),
        )
    ]
    return (*found, *_replication(), *_trouble())


def _memory(spec: DatabaseSettings, role: Literal["WRITER", "READER"]) -> Alarm:
    if spec.serverless is not None:
        return Alarm(
            f"{role.lower()}-capacity",
            "ACUUtilization",
            role,
            90,
            15,
            "The instance is at the end of its serverless capacity: raise the maximum.",
        )
    return Alarm(
        f"{role.lower()}-memory",
        "FreeableMemory",
        role,
        0.05 * memory_bytes(spec),
        15,
        "Memory is running out: the instance will restart when it has none.",
        below=True,
    )


def _replication() -> tuple[Alarm, ...]:
    return (
        Alarm(
            "replica-lag",
            "AuroraReplicaLag",
            "READER",
            1_000,
            5,
            "Readers answer with data more than a second old.",
        ),
        Alarm(
            "log-kept-for-slots",
            "TransactionLogsDiskUsage",
            "WRITER",
            50 * GIB,
            15,
            "A replication slot keeps the log: finish or abort its move, or drop the slot.",
        ),
        Alarm(
            "slot-spill",
            "ReplicationSlotDiskUsage",
            "WRITER",
            10 * GIB,
            15,
            "Decoding spills large transactions to disk: a move will lag behind.",
        ),
    )


def _trouble() -> tuple[Alarm, ...]:
    return (
        Alarm(
            "deadlocks",
            "Deadlocks",
            "WRITER",
            0.05,
            5,
            "Three deadlocks a minute or more: two code paths take the same locks crosswise.",
        ),
        Alarm(
            "transaction-ids",
            "MaximumUsedTransactionIDs",
            "WRITER",
            1_000_000_000,
            15,
            "Half of the transaction ids are used: vacuum is held back, by a slot perhaps.",
        ),
    )


class DatabaseAlarms(pulumi.ComponentResource):
    """The alarms of one cluster, told to a topic when they start and when they end."""

    def __init__(
        self,
        name: str,
        spec: DatabaseSettings,
        *,
        identifier: str,
        topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:DatabaseAlarms", name, None, opts)
        for alarm in alarms(spec):
            aws.cloudwatch.MetricAlarm(
                f"{name}-{alarm.name}",
                name=f"{identifier}-{alarm.name}",
                alarm_description=alarm.meaning,
                namespace="AWS/RDS",
                metric_name=alarm.metric,
                dimensions={"DBClusterIdentifier": identifier, "Role": alarm.role},
                statistic="Average",
                period=PERIOD_SECONDS,
                evaluation_periods=alarm.minutes,
                comparison_operator=(
                    "LessThanThreshold" if alarm.below else "GreaterThanThreshold"
                ),
                threshold=alarm.threshold,
                # A database that reports nothing is told by its events, not by every alarm.
                treat_missing_data="notBreaching",
                alarm_actions=[topic_arn],
                ok_actions=[topic_arn],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
