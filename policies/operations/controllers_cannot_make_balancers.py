"""The load balancer controller can't make load balancers or security groups: it has no right."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from policies.documents import allows, granted
from policies.resource_types import ROLE_POLICY
from policies.rule import Rule, each
from policies.stack import at
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

FORBIDDEN = frozenset(
    f"{service}:{action}"
    for service, action in (
        ("ec2", "CreateSecurityGroup"),
        ("elasticloadbalancing", "CreateLoadBalancer"),
        ("elasticloadbalancing", "CreateTargetGroup"),
    )
)


def is_controllers(policy: Resource, _: Stack) -> bool:
    """Whether it is the controller's."""
    return policy.name == "services-load-balancers-identity-policy"


@each(ROLE_POLICY, where=is_controllers, needed_in=("cell",))
def evaluate(policy: Resource, stack: Stack) -> Iterator[str]:
    """Rights to make what Pulumi makes."""
    statements = stack.statements.get((policy.urn, "policy"), [])
    if not statements and at(policy.inputs, "policy") is not UNKNOWN:
        yield "policy is not set"
    for statement in allows(statements):
        for pattern in granted(statement):
            if matched := fnmatch.filter(FORBIDDEN, pattern):
                yield f"policy allows {pattern}: {', '.join(sorted(matched))}"


RULE = Rule(
    __name__,
    severity="medium",
    why="A setting can be turned back in the cluster; a right that is missing can't.",
    remedy="Leave the Create actions out of its role.",
    evaluate=evaluate,
)
