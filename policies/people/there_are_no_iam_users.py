"""There are no IAM users and no access keys, and nobody can make any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.documents import granted
from policies.rule import Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

FORBIDDEN = ("aws:iam/user", "aws:iam/accessKey", "aws:iam/group")
DENIED = frozenset({"iam:CreateUser", "iam:CreateAccessKey"})
GUARDRAIL = "aws:organizations/policy:Policy"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Users, keys and groups of IAM, and organizations that let others make them."""
    for resource in stack.graph.resources.values():
        if resource.type.startswith(FORBIDDEN):
            yield Verdict(resource, f"it is a {resource.short_type} of IAM")
    if stack.kind != "organization":
        return
    denied = False
    for policy in stack.of_type(GUARDRAIL):
        statements = stack.statements.get((policy.urn, "content"), [])
        actions = {action for s in statements if s.get("Effect") == "Deny" for action in granted(s)}
        if actions >= DENIED:
            denied = True
            yield Verdict(policy)
    if not denied:
        yield Verdict(None, "no guardrail denies making users and access keys")


RULE = Rule(
    __name__,
    severity="high",
    why="A key that never ends is found in a repository one day.",
    remedy="Use Identity Center for people and roles for machines; deny iam:CreateUser and "
    "iam:CreateAccessKey for all accounts.",
    evaluate=evaluate,
)
