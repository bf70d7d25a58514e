"""Load balancers send to pods' own addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, differences, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

GROUP = "aws:lb/targetGroup:TargetGroup"
BINDING = "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding"


@each(GROUP, BINDING, needed_in=("tenant",))
def evaluate(resource: Resource, _: Stack) -> Iterator[str]:
    """Groups and bindings of instances."""
    if resource.type == GROUP:
        yield from differences(resource, {"targetType": "ip"})
    else:
        yield from differences(resource, {"spec.targetType": "ip"})
        if not at(resource.inputs, "spec.targetGroupARN"):
            yield "spec.targetGroupARN is not set"


RULE = Rule(
    __name__,
    severity="medium",
    why="By way of a node's port a request crosses zones at random, and security groups "
    "can't tell pods apart.",
    remedy="Set the target type to ip on target group and binding.",
    evaluate=evaluate,
)
