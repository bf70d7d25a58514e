"""The Kubernetes API has a private endpoint and no public one."""

from __future__ import annotations

from policies.resource_types import CLUSTER
from policies.rule import Rule, expects

RULE = Rule(
    __name__,
    severity="high",
    why="A public endpoint lets the whole internet try its credentials.",
    remedy="Set vpcConfig.endpointPrivateAccess to true and endpointPublicAccess to false.",
    evaluate=expects(
        CLUSTER,
        {"vpcConfig.endpointPrivateAccess": True, "vpcConfig.endpointPublicAccess": False},
        needed_in=("cell",),
    ),
)
