"""The network plugin's rights are its own and not the nodes'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import ROLE, ROLE_ATTACHMENT
from policies.rule import Rule, each
from policies.stack import at, listed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

POLICY = "/AmazonEKS_CNI_Policy"


def grants_network_rights(resource: Resource, _: Stack) -> bool:
    """Whether a role is given what the network plugin needs."""
    return str(at(resource.inputs, "policyArn")).endswith((POLICY, "/AmazonEKS_CNI_IPv6_Policy"))


@each(ROLE_ATTACHMENT, where=grants_network_rights, needed_in=("cell",))
def evaluate(attachment: Resource, stack: Stack) -> Iterator[str]:
    """Roles that EC2 instances may take and that manage the network."""
    roles = stack.referred(attachment, "role", ROLE)
    if not roles and at(attachment.inputs, "role") is not UNKNOWN:
        yield f"role is {shown(at(attachment.inputs, 'role'))}, which this stack does not declare"
    for role in roles:
        trusted = stack.statements.get((role.urn, "assumeRolePolicy"), [])
        services = {s for each in trusted for s in listed(at(each, "Principal.Service"))}
        if "ec2.amazonaws.com" in services:
            yield f"role is {shown(at(attachment.inputs, 'role'))}, which nodes take"


RULE = Rule(
    __name__,
    severity="high",
    why="With the rights on the nodes' role, every pod that reaches the instance's "
    "credentials can detach the network of its neighbours.",
    remedy="Attach AmazonEKS_CNI_Policy to the role of the service account aws-node alone.",
    evaluate=evaluate,
)
