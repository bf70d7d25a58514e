"""Only the pooler reaches the database, and services reach only the pooler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import NETWORK_POLICY
from policies.rule import Rule, Verdict
from policies.stack import at, listed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

POOLER = {"matchLabels": {"app.kubernetes.io/component": "pooler"}}


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Pods other than the pooler's that may reach a database, and poolers that may not."""
    if stack.kind != "tenant":
        return
    poolers = services = False
    for policy in stack.of_type(NETWORK_POLICY):
        # What prepares a dedicated database has a namespace of its own.
        if at(policy.inputs, "metadata.namespace") not in (f"tenant-{stack.name}", UNKNOWN):
            continue
        selector = at(policy.inputs, "spec.podSelector")
        for rule in listed(at(policy.inputs, "spec.egress")):
            ports = [at(port, "port") for port in listed(at(rule, "ports"))]
            if 5432 in ports:
                wrong = selector != POOLER
                poolers = poolers or not wrong
                yield Verdict(policy, f"port 5432 is open to {shown(selector)}" if wrong else "")
            elif {"podSelector": POOLER} in listed(at(rule, "to")):
                services = True
                yield Verdict(policy)
    if not poolers:
        yield Verdict(None, "no network policy lets the pooler reach its database")
    if not services:
        yield Verdict(None, "no network policy lets services reach the pooler")


RULE = Rule(
    __name__,
    severity="high",
    why="Connections past the pooler are not held while a tenant moves: their writes "
    "would be lost.",
    remedy="Let port 5432 lead out of the pooler's pods alone.",
    evaluate=evaluate,
)
