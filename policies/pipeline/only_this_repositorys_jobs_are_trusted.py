"""Every account trusts GitHub's tokens for this repository's jobs only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.documents import GITHUB, allows, is_ci_role, subjects
from policies.resource_types import ROLE
from policies.rule import Rule, each
from policies.stack import at, listed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(ROLE, where=is_ci_role, needed_in=("organization",))
def evaluate(role: Resource, stack: Stack) -> Iterator[str]:
    """Subjects of other repositories, and such as match several."""
    statements = list(allows(stack.statements.get((role.urn, "assumeRolePolicy"), [])))
    if not statements and at(role.inputs, "assumeRolePolicy") is not UNKNOWN:
        yield "assumeRolePolicy trusts nobody"
    for statement in statements:
        equal = (statement.get("Condition") or {}).get("StringEquals") or {}
        if listed(equal.get(f"{GITHUB}:aud")) != ["sts.amazonaws.com"]:
            yield "assumeRolePolicy does not demand the audience sts.amazonaws.com"
        found = listed(equal.get(f"{GITHUB}:sub"))
        if not found:
            yield "assumeRolePolicy demands no subject"
        for subject in subjects(statement):
            if subject not in found or "*" in subject or not subject.startswith(ours(stack)):
                yield f"assumeRolePolicy trusts {shown(subject)}"


def ours(stack: Stack) -> tuple[str, ...]:
    """How subjects begin of the repository that this stack declares; any, where there is none."""
    names = [
        at(each.inputs, "name") for each in stack.of_type("github:index/repository:Repository")
    ]
    owners = [at(each.inputs, "owner") for each in stack.of_type("pulumi:providers:github")]
    return tuple(f"repo:{o}/{n}:" for o in owners for n in names) or ("repo:",)


RULE = Rule(
    __name__,
    severity="high",
    why="Any repository on GitHub can ask for a token; without the exact subject, a "
    "stranger's job deploys here.",
    remedy="Name repo:<owner>/<name>: with a branch or environment in the condition on sub, "
    "without wildcards.",
    evaluate=evaluate,
)
