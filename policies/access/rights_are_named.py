"""Rights are named: no policy allows every action, nor all of a service's on everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.documents import allows, granted
from policies.resource_types import ROLE_POLICY
from policies.rule import Rule, each
from policies.stack import at, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

POLICIES = (
    ROLE_POLICY,
    "aws:iam/policy:Policy",
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy",
)


def grants(policy: Resource, _: Stack) -> bool:
    """Whether a policy grants something; a boundary only bounds what others do."""
    return not str(at(policy.inputs, "name")).endswith("-boundary")


@each(*POLICIES, where=grants, needed_in=("organization",))
def evaluate(policy: Resource, stack: Stack) -> Iterator[str]:
    """Statements that allow more than they name."""
    if not any(at(policy.inputs, key) for key in ("policy", "inlinePolicy")):
        yield "policy is not set"
    for key in ("policy", "inlinePolicy"):
        for statement in allows(stack.statements.get((policy.urn, key), [])):
            where = f"{key} allows, in {statement.get('Sid') or 'a statement without Sid'},"
            if "NotAction" in statement:
                yield f"{where} all but {shown(statement['NotAction'])}"
            everything = "*" in listed(statement.get("Resource")) or "NotResource" in statement
            wide = [
                action
                for action in granted(statement)
                if action in ("*", "*:*") or (everything and action.endswith(":*"))
            ]
            if wide:
                yield f"{where} {', '.join(wide)}"


RULE = Rule(
    __name__,
    severity="high",
    why="A wildcard grants what AWS adds next year, and nobody reviews it.",
    remedy="List the actions that are needed, or name the resources.",
    evaluate=evaluate,
)
