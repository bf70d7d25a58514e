"""Groups of people are the identity provider's, in one Identity Center."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, Verdict
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

GROUP = "aws:identitystore/group:Group"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Groups without an address of the provider's, and such as lie in another store."""
    groups = stack.of_type(GROUP)
    stores = {at(each.inputs, "identityStoreId") for each in groups}
    for group in groups:
        email = at(group.inputs, "description")
        if email is not UNKNOWN and "@" not in str(email):
            yield Verdict(group, f"description is {shown(email)}, no address of the provider's")
        elif len(stores) > 1:
            yield Verdict(group, f"groups lie in {len(stores)} identity stores")
        else:
            yield Verdict(group)
    if stack.kind == "organization" and not groups:
        yield Verdict(None, "there are no groups")


RULE = Rule(
    __name__,
    severity="medium",
    why="A group that only AWS knows keeps its members when they leave the company.",
    remedy="Declare groups in organization.yaml with the provider's address of each.",
    evaluate=evaluate,
)
