"""The VPN lets in by group, to the cell's network alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import VPC
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each("aws:ec2clientvpn/authorizationRule:AuthorizationRule", needed_in=("cell",))
def evaluate(rule: Resource, stack: Stack) -> Iterator[str]:
    """Rules for everybody, or to elsewhere."""
    group = at(rule.inputs, "accessGroupId")
    if at(rule.inputs, "authorizeAllGroups") or not group:
        yield f"accessGroupId is {shown(group)}"
    target = at(rule.inputs, "targetNetworkCidr")
    networks = [at(each.inputs, "cidrBlock") for each in stack.of_type(VPC)]
    if target is not UNKNOWN and target not in networks:
        yield f"targetNetworkCidr is {shown(target)}, not the cell's {shown(networks)}"


RULE = Rule(
    __name__,
    severity="high",
    why="A rule for all groups lets the whole company into production.",
    remedy="Name accessGroupId and the VPC's network in each authorisation rule.",
    evaluate=evaluate,
)
