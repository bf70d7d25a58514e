"""From outside only the tenant's load balancer gets in, at its services' ports."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from policies.resource_types import NETWORK_POLICY
from policies.rule import Rule, each
from policies.stack import at, listed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

WIDEST = 20
"""Bits of the shortest prefix that one subnet for load balancers has."""


@each(NETWORK_POLICY, only_in=("tenant",), needed_in=("tenant",))
def evaluate(policy: Resource, _: Stack) -> Iterator[str]:
    """Peers that are neither, and rules for any port."""
    spec = at(policy.inputs, "spec")
    if not spec:
        yield "spec is not set"
    for rule in listed(at(spec, "ingress")):
        peers = listed(at(rule, "from"))
        if not peers:
            yield "an ingress rule is for everybody"
        if not at(rule, "ports"):
            yield "an ingress rule is for every port"
        for peer in peers:
            block = at(peer, "ipBlock.cidr")
            if "namespaceSelector" in peer:
                yield f"an ingress rule is for other namespaces: {shown(peer)}"
            elif block is None:
                if "podSelector" not in peer:
                    yield f"an ingress rule is for {shown(peer)}"
            elif block is not UNKNOWN and ipaddress.ip_network(block).prefixlen < WIDEST:
                yield f"an ingress rule is for {block}"


RULE = Rule(
    __name__,
    severity="high",
    why="A rule for other namespaces or wide networks lets one tenant's pods talk to another's.",
    remedy="Let in the public subnets, where load balancers are, and pods of the same "
    "namespace; name the ports.",
    evaluate=evaluate,
)
