"""Policy documents as rules look at them: who is let do what, and on what condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.stack import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policies.stack import Stack
    from rehearsal.graph import Resource

GITHUB = "token.actions.githubusercontent.com"
"""The issuer of GitHub's tokens, as trust policies name it."""


def allows(statements: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The statements that grant something."""
    return (each for each in statements if each.get("Effect") == "Allow")


def granted(statement: Mapping[str, Any]) -> list[str]:
    """The actions that a statement names."""
    return [str(action) for action in listed(statement.get("Action"))]


def wide_principals(statement: Mapping[str, Any]) -> bool:
    """Whether a statement is for everybody, were it not for its condition."""
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        return any("*" in listed(each) for each in principal.values())
    return principal == "*" or "NotPrincipal" in statement


def conditions(statement: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The values that a statement's conditions name, by the condition's key."""
    found: dict[str, list[Any]] = {}
    for tests in (statement.get("Condition") or {}).values():
        for key, value in tests.items():
            found.setdefault(key, []).extend(listed(value))
    return found


def subjects(statement: Mapping[str, Any]) -> list[str]:
    """The subjects whose GitHub tokens a trust statement takes."""
    return [str(each) for each in conditions(statement).get(f"{GITHUB}:sub", [])]


def is_ci_role(role: Resource, stack: Stack) -> bool:
    """Whether jobs of GitHub's may take a role, or are meant to."""
    statements = stack.statements.get((role.urn, "assumeRolePolicy"), [])
    return role.name.endswith(("-preview-role", "-deploy-role")) or GITHUB in repr(statements)
