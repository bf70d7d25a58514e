"""Which lists mean the same in any order, and what tells one item of a list from another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

SETS = frozenset(
    {
        # Addresses and groups.
        *(
            "addresses",
            "cidrBlocks",
            "cidrs",
            "except",
            "ipv6CidrBlocks",
            "networks",
            "prefixListIds",
        ),
        *("securityGroupIds", "securityGroups", "subnetIds", "subnets", "vpcSecurityGroupIds"),
        *("availabilityZones", "routeTableIds", "zones"),
        # Rules and entries.
        *("egress", "entries", "from", "ingress", "policyTypes", "ports", "rules", "to"),
        *("parameters", "subjects", "tolerations", "taints"),
        # IAM's documents.
        *("Action", "AWS", "CanonicalUser", "Federated", "NotAction", "NotPrincipal"),
        *("NotResource", "Principal", "Resource", "Service", "Statement"),
        # Rights.
        *("apiGroups", "privileges", "resourceNames", "resources", "roles", "verbs"),
        # The rest.
        *("alarmActions", "clientIdLists", "enabledClusterLogTypes", "okActions"),
        *("enabledCloudwatchLogsExports", "eventCategories", "finalizers", "instanceTypes"),
        *("records", "reviewers", "sourceIds", "subjectAlternativeNames", "values"),
        "validationRecordFqdns",
    }
)
"""Names of properties that hold such lists, in providers' schemas or by their meaning."""

ORDERED = frozenset({"args", "command", "initContainers"})
"""Lists that mean something else in another order even where items have names."""

KEYS = ("Sid", "sid", "name", "cidr", "key", "containerPort", "id", "priority")
"""What tells an item of a list from others, the best first."""


def is_set(name: str, within_document: bool) -> bool:
    """Whether the order of a property's list means nothing; of IAM's conditions neither does."""
    return name in SETS or (within_document and ":" in name)


def key_of(*lists: Sequence[Any]) -> str | None:
    """The key whose values tell all items of the lists apart, in each list."""
    for key in KEYS:
        if all(_tells(key, items) for items in lists) and any(lists):
            return key
    return None


def _tells(key: str, items: Sequence[Any]) -> bool:
    values: list[Hashable] = []
    for item in items:
        value = item.get(key) if isinstance(item, dict) else None
        if not isinstance(value, str | int):
            return False
        values.append(value)
    return len(values) == len(set(values))
