"""CI's roles have a boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.documents import is_ci_role
from policies.resource_types import ROLE
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(ROLE, where=is_ci_role, needed_in=("organization",))
def evaluate(role: Resource, _: Stack) -> Iterator[str]:
    """Roles without CI's boundary."""
    boundary = at(role.inputs, "permissionsBoundary")
    if boundary is not UNKNOWN and not str(boundary).endswith("-ci-boundary"):
        yield f"permissionsBoundary is {shown(boundary)}"


RULE = Rule(
    __name__,
    severity="high",
    why="A deploy role that may write roles may otherwise write one that may do everything.",
    remedy="Set permissionsBoundary to the account's CI boundary.",
    evaluate=evaluate,
)
