"""Nothing comes in and nothing goes out unless a policy says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import NETWORK_POLICY
from policies.rule import Rule, Verdict
from policies.stack import at
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Tenants' namespaces without such a policy."""
    if stack.kind != "tenant":
        return
    policies = stack.of_type(NETWORK_POLICY)
    for namespace in stack.of_type("kubernetes:core/v1:Namespace"):
        name = at(namespace.inputs, "metadata.name")
        deny = [
            each
            for each in policies
            if at(each.inputs, "metadata.namespace") in (name, UNKNOWN)
            and each.inputs.get("spec") == DENY
        ]
        yield from (Verdict(each) for each in deny)
        if not deny:
            yield Verdict(namespace, "no policy denies all traffic in the namespace")


RULE = Rule(
    __name__,
    severity="high",
    why="A namespace without a policy for all its pods lets everything through.",
    remedy="Declare a policy with an empty pod selector, both types and no rule.",
    evaluate=evaluate,
)
