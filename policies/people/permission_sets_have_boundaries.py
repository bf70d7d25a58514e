"""Every permission set has a boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import PERMISSION_SET
from policies.rule import Rule, Verdict
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

ATTACHMENT = "aws:ssoadmin/permissionsBoundaryAttachment:PermissionsBoundaryAttachment"
POLICY = "permissionsBoundary.customerManagedPolicyReference.name"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Sets without a boundary, and boundaries that name no policy."""
    bounded = set()
    for attachment in stack.of_type(ATTACHMENT):
        name = at(attachment.inputs, POLICY)
        yield Verdict(attachment, "" if name else f"{POLICY} is not set")
        for each in stack.referred(attachment, "permissionSetArn", PERMISSION_SET):
            bounded.add(each.urn)
    for each in stack.of_type(PERMISSION_SET):
        if each.urn not in bounded:
            yield Verdict(each, "no boundary is attached to it")


RULE = Rule(
    __name__,
    severity="high",
    why="Without one, a set that may write policies may grant itself everything.",
    remedy="Attach a boundary to each.",
    evaluate=evaluate,
)
