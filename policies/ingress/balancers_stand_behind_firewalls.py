"""Every load balancer stands behind its firewall, and fails closed without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BALANCER, FIREWALL
from policies.rule import Rule, differences, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"


@each(BALANCER, needed_in=("tenant",))
def evaluate(balancer: Resource, stack: Stack) -> Iterator[str]:
    """Load balancers that requests reach past a firewall."""
    yield from differences(balancer, {"enableWafFailOpen": False})
    before = [
        each
        for each in stack.of_type(ASSOCIATION)
        if balancer in stack.referred(each, "resourceArn", BALANCER)
        and stack.referred(each, "webAclArn", FIREWALL)
    ]
    if not before:
        yield "no firewall is associated with it"


RULE = Rule(
    __name__,
    severity="high",
    why="A load balancer that no firewall is associated with takes whatever comes.",
    remedy="Associate the firewall, and set enableWafFailOpen to false.",
    evaluate=evaluate,
)
