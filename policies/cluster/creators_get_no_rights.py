"""Whoever creates a cluster gets no rights in it."""

from __future__ import annotations

from policies.resource_types import CLUSTER
from policies.rule import Rule, expects

RULE = Rule(
    __name__,
    severity="high",
    why="The creator would be an administrator whom no access entry names, for as long as "
    "the cluster lives.",
    remedy="Set accessConfig.bootstrapClusterCreatorAdminPermissions to false.",
    evaluate=expects(
        CLUSTER,
        {"accessConfig.bootstrapClusterCreatorAdminPermissions": False},
        needed_in=("cell",),
    ),
)
