"""Nothing is granted to PUBLIC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

GRANTS = (
    "postgresql:index/grant:Grant",
    "postgresql:index/defaultPrivileges:DefaultPrivileges",
    "postgresql:index/grantRole:GrantRole",
)


@each(*GRANTS, needed_in=("tenant",))
def evaluate(grant: Resource, _: Stack) -> Iterator[str]:
    """Grants to everybody, and grants that anybody may pass on."""
    role = at(grant.inputs, "role")
    if role is not UNKNOWN and not role:
        yield "role is not set"
    privileges = at(grant.inputs, "privileges")
    if str(role).lower() == "public" and privileges not in ([], UNKNOWN):
        what = at(grant.inputs, "objectType") or at(grant.inputs, "grantRole")
        yield f"role is public: {shown(privileges)} on {shown(what)}"


RULE = Rule(
    __name__,
    severity="high",
    why="Every role of the server is PUBLIC, also those of the other tenants in the pool.",
    remedy="Grant to the role that needs it, by name.",
    evaluate=evaluate,
)
