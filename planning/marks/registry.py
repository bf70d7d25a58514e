"""The names of all consequences that are marked, each with a title for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "loses-data": "Loses data",
    "restarts-database": "Restarts a database",
    "opens-network": "Opens a network",
    "widens-allow-list": "Widens an allow-list",
    "deletion-protection-off": "Deletion protection off",
    "storage-key-changed": "Storage key changed",
    "backup-retention-cut": "Backup retention cut",
    "log-retention-cut": "Log retention cut",
    "object-retention-cut": "Object retention cut",
    "engine-version-lowered": "Engine version lowered",
    "kubernetes-version-lowered": "Kubernetes version lowered",
    "kubernetes-version-skipped": "Kubernetes version skipped",
    "quota-raised": "Quota raised",
    "tenant-removed": "Tenant removed",
    "cell-removed": "Cell removed",
    "placement-changed": "Placement changed",
    "public-grant": "Grant to PUBLIC",
    "database-superuser": "Database role above all rules",
    "trust-policy": "Trust policy changed",
    "node-role-network-rights": "Node role with network rights",
    "iam-wildcard": "IAM wildcard",
    "guard-removed": "Guard removed",
}
"""In the order in which a summary names them."""
