"""Services reach AWS' endpoints, and of the internet HTTPS alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.resource_types import NETWORK_POLICY
from policies.rule import Rule, Verdict
from policies.stack import at, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

PRIVATE = frozenset({"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"})
CREDENTIALS = "169.254.170.23/32"
"""Where a pod gets its role's credentials: EKS Pod Identity's agent on the node."""


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Rules for the internet that leave more open, and tenants whose pods get no credentials."""
    if stack.kind != "tenant":
        return
    reached = False
    internet = False
    for policy in stack.of_type(NETWORK_POLICY):
        for rule in listed(at(policy.inputs, "spec.egress")):
            blocks = [b for peer in listed(at(rule, "to")) if (b := at(peer, "ipBlock"))]
            if CREDENTIALS in [at(block, "cidr") for block in blocks]:
                reached = True
                yield Verdict(policy)
            if not at(rule, "to"):
                yield Verdict(policy, "an egress rule is for everybody")
            for block in blocks:
                if at(block, "cidr") in ("0.0.0.0/0", "::/0"):
                    internet = True
                    problems = list(too_wide(block, listed(at(rule, "ports"))))
                    yield from (Verdict(policy, problem) for problem in problems)
                    if not problems:
                        yield Verdict(policy)
    if not reached:
        yield Verdict(None, f"no network policy lets services reach {CREDENTIALS}")
    if not internet:
        yield Verdict(None, "no network policy says what services reach of the internet")


def too_wide(block: dict[str, Any], ports: list[Any]) -> Iterator[str]:
    """What a rule for the whole internet leaves open."""
    if [at(port, "port") for port in ports] != [443]:
        yield f"ports {shown(ports)} are open to the internet"
    missing = PRIVATE - set(listed(block.get("except")))
    if ":" not in str(block.get("cidr")) and missing:
        yield f"private ranges are open: {', '.join(sorted(missing))}"


RULE = Rule(
    __name__,
    severity="medium",
    why="An open way out is how stolen data leaves; a private range left in is a way into "
    "the neighbours' networks.",
    remedy="Limit rules for 0.0.0.0/0 to port 443, except every private range, and name Pod "
    "Identity's address.",
    evaluate=evaluate,
)
