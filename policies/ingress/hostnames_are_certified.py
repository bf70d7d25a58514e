"""Every hostname of a tenant is in its certificate and points at its load balancer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BALANCER
from policies.rule import Rule, each
from policies.stack import at, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

RECORD = "aws:route53/record:Record"


def is_hostname(record: Resource, _: Stack) -> bool:
    """Whether a record is a tenant's name, and not a proof for a certificate."""
    return at(record.inputs, "type") in ("A", "AAAA")


@each(RECORD, where=is_hostname, only_in=("tenant",), needed_in=("tenant",))
def evaluate(record: Resource, stack: Stack) -> Iterator[str]:
    """Names that lead elsewhere, or that no certificate has."""
    certified = [
        name
        for each in stack.of_type("aws:acm/certificate:Certificate")
        for key in ("domainName", "subjectAlternativeNames")
        for name in listed(at(each.inputs, key))
    ]
    if at(record.inputs, "name") not in certified:
        yield f"no certificate has {shown(at(record.inputs, 'name'))}"
    if not stack.referred(record, "aliases.0.name", BALANCER):
        yield f"aliases is {shown(at(record.inputs, 'aliases'))}: no load balancer of this stack"


RULE = Rule(
    __name__,
    severity="medium",
    why="A name that leads elsewhere, or that the certificate lacks, shows its users a warning.",
    remedy="Make certificate and records from the tenant's hostnames.",
    evaluate=evaluate,
)
