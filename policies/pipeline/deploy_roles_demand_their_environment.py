"""A role that deploys or opens states is reached only from its own protected environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.documents import allows, subjects
from policies.resource_types import ROLE
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

NAME = re.compile(r"(dev|staging|prod)-(deploy|drift|preview)-role")


def is_deploy(role: Resource, _: Stack) -> bool:
    """Whether it is an environment's deploy role, or one that looks there."""
    return NAME.fullmatch(role.name) is not None


@each(ROLE, where=is_deploy, needed_in=("organization",))
def evaluate(role: Resource, stack: Stack) -> Iterator[str]:
    """Roles that other jobs reach."""
    if at(role.inputs, "assumeRolePolicy") is UNKNOWN:
        return
    account, kind, _ = role.name.split("-")
    environment = account if kind == "deploy" else kind
    statements = list(allows(stack.statements.get((role.urn, "assumeRolePolicy"), [])))
    found = [subject for each in statements for subject in subjects(each)]
    if len(found) != 1 or not found[0].endswith(f":environment:{environment}"):
        yield f"assumeRolePolicy trusts {shown(found)}"


RULE = Rule(
    __name__,
    severity="high",
    why="A job of any branch would deploy, or read a state's secrets, without anybody's approval.",
    remedy="Give its trust one subject: repo:<owner>/<name>:environment:<environment>.",
    evaluate=evaluate,
)
