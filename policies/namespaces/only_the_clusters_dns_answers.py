"""Pods may ask the cluster's DNS, and no other resolver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import NETWORK_POLICY
from policies.rule import Rule, Verdict
from policies.stack import at, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

DNS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Rules that let port 53 lead elsewhere, and tenants that have none."""
    met = False
    for policy in stack.of_type(NETWORK_POLICY):
        for rule in listed(at(policy.inputs, "spec.egress")):
            if 53 not in [at(port, "port") for port in listed(at(rule, "ports"))]:
                continue
            met = True
            others = [peer for peer in listed(at(rule, "to")) or ["everybody"] if peer != DNS]
            yield Verdict(policy, f"port 53 leads to {shown(others)}" if others else "")
    if stack.kind == "tenant" and not met:
        yield Verdict(None, "no network policy lets pods ask the cluster's DNS")


RULE = Rule(
    __name__,
    severity="medium",
    why="A resolver elsewhere is the classic way to carry data out of a closed network.",
    remedy="Let port 53 lead to kube-dns in kube-system alone.",
    evaluate=evaluate,
)
