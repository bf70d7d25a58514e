"""No pod mounts a service account's token, as none uses one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import SERVICE_ACCOUNT
from policies.rule import Rule, Verdict
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Pods and accounts that leave it on."""
    holders = [(resource, pod) for resource, pod in stack.pods]
    holders += [(each, each.inputs) for each in stack.of_type(SERVICE_ACCOUNT)]
    for resource, holder in holders:
        given = at(holder, "automountServiceAccountToken")
        wrong = given is not False and given is not UNKNOWN
        yield Verdict(resource, f"automountServiceAccountToken is {shown(given)}" if wrong else "")


RULE = Rule(
    __name__,
    severity="high",
    why="A token in every pod is a way to the Kubernetes API for whoever gets into any of them.",
    remedy="Set automountServiceAccountToken to false on pods and service accounts.",
    evaluate=evaluate,
)
