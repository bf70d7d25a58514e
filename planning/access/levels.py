"""The access level of what is gained or lost, in IAM's own terms also where it isn't IAM's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.access import clusters, databases, iam, managed
from planning.access.actions import LEVELS, UNKNOWN_LEVEL

if TYPE_CHECKING:
    from planning.access.actions import ActionSet
    from planning.access.permissions import Scope

PERMISSIONS, WRITE, TAGGING, READ, LIST = LEVELS

_IN_CLUSTERS = {
    "AmazonEKSClusterAdminPolicy": PERMISSIONS,
    "AmazonEKSAdminPolicy": PERMISSIONS,
    "AmazonEKSEditPolicy": WRITE,
    "AmazonEKSViewPolicy": READ,
    "AmazonEKSAdminViewPolicy": READ,
    "AmazonEKSSecretReaderPolicy": READ,
    "ClusterRole cluster-admin": PERMISSIONS,
    "ClusterRole admin": PERMISSIONS,
    "ClusterRole edit": WRITE,
    "ClusterRole view": READ,
}
_VERBS = {
    "get": READ,
    "list": LIST,
    "watch": LIST,
    "*": PERMISSIONS,
    "bind": PERMISSIONS,
    "escalate": PERMISSIONS,
    "impersonate": PERMISSIONS,
    "approve": PERMISSIONS,
    "sign": PERMISSIONS,
}
_READS = frozenset({"SELECT", "USAGE", "CONNECT"})
_RIGHTS_IN_CLUSTERS = ("roles.", "rolebindings.", "clusterroles.", "clusterrolebindings.")


def levels_of(scope: Scope, actions: ActionSet) -> list[str]:
    """The access levels of some actions on one scope, the most dangerous first."""
    if scope.kind == "kubernetes":
        found = {_in_cluster(scope, each) for each in actions.others}
    elif scope.kind == "postgresql":
        found = {_in_database(each) for each in actions.others}
    else:
        found = {level for level, _ in actions.levels() if level != UNKNOWN_LEVEL}
        for each in actions.others:
            found.update(_elsewhere(each))
    return [level for level in (*LEVELS, UNKNOWN_LEVEL) if level in found]


def _in_cluster(scope: Scope, action: str) -> str:
    if action.startswith(clusters.MAY_AS_ROLE):
        return _IN_CLUSTERS.get(action.removeprefix(clusters.MAY_AS_ROLE), UNKNOWN_LEVEL)
    if action.startswith("be in the group system:masters"):
        return PERMISSIONS
    if action.startswith(("log in", "be in the group")):
        return LIST
    level = _VERBS.get(action, WRITE)
    if level == WRITE and scope.resource.startswith(_RIGHTS_IN_CLUSTERS):
        return PERMISSIONS
    return level


def _in_database(action: str) -> str:
    if action.endswith(databases.GRANT_ON):
        return PERMISSIONS
    if action in _READS:
        return READ
    if action == "log in":
        return LIST
    return WRITE if action.isupper() else PERMISSIONS


def _elsewhere(action: str) -> list[str]:
    if action.startswith(iam.MANAGED):
        known = managed.actions_of(action.removeprefix(iam.MANAGED))
        return [level for level, _ in known.levels()] if known is not None else [UNKNOWN_LEVEL]
    if action == "*" or action.endswith(":*"):
        return [PERMISSIONS]
    if action.startswith(("use the ", "take role ")):
        return [WRITE]
    return [UNKNOWN_LEVEL]
