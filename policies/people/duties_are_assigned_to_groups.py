"""A group is assigned its duties in accounts, and no single person is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import PERMISSION_SET
from policies.rule import Rule, differences, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each("aws:ssoadmin/accountAssignment:AccountAssignment", needed_in=("organization",))
def evaluate(assignment: Resource, stack: Stack) -> Iterator[str]:
    """Assignments to people, or of strangers' sets."""
    yield from differences(assignment, {"principalType": "GROUP", "targetType": "AWS_ACCOUNT"})
    for path, type in (("principalId", GROUP), ("permissionSetArn", PERMISSION_SET)):
        given = at(assignment.inputs, path)
        if given is not UNKNOWN and not stack.referred(assignment, path, type):
            yield f"{path} is {shown(given)}, which this stack does not declare"


GROUP = "aws:identitystore/group:Group"


RULE = Rule(
    __name__,
    severity="medium",
    why="What one person was given is found by no review of groups.",
    remedy="Assign permission sets to groups that this stack declares.",
    evaluate=evaluate,
)
