"""No policy is for everybody: principals are named, or bound by a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.documents import allows, conditions, wide_principals
from policies.rule import Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

BINDING = (
    *("aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"),
    *("aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "kms:CallerAccount"),
)
"""Conditions by which a statement for everybody is for somebody."""


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Statements that anybody is meant by."""
    for document in stack.documents:
        problems = [
            f"{document.key}: {statement.get('Sid') or 'a statement without Sid'} is for everybody"
            for statement in allows(document.statements)
            if wide_principals(statement)
            and not any(
                key in BINDING and "*" not in values
                for key, values in conditions(statement).items()
            )
        ]
        for problem in problems:
            yield Verdict(document.resource, problem)
        if not problems:
            yield Verdict(document.resource)


RULE = Rule(
    __name__,
    severity="high",
    why="A resource that everybody may use is public, whatever the network says.",
    remedy="Name accounts, roles or services, or demand the organization, the account or the "
    "source.",
    evaluate=evaluate,
)
