"""Whether policies let a call through, where all that a call depends on is known offline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planning.access.actions import ActionSet, expand
from planning.access.wildcards import ALL_BUT, covers, matching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planning.access.conditions import Condition, Item
    from planning.access.documents import Statement


_COMPARED = ("StringEquals", "StringLike", "StringNotEquals", "ArnEquals", "ArnLike")


@dataclass(frozen=True, slots=True)
class Call:
    """An action on a resource, and what is known of its circumstances."""

    action: str
    resource: str = "*"
    """The ARN, or `*` where it is any one of the action's resources."""
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Condition keys in lower case, with the values of which one is enough; keys that are not here
    are not known, and a condition on one is taken to hold for what allows, not for what denies."""


def allows(policies: Sequence[Sequence[Statement]], call: Call) -> bool:
    """Whether each of several policies allows a call, such as a role's own and its boundary."""
    return all(_allows(statements, call) for statements in policies)


def _allows(statements: Sequence[Statement], call: Call) -> bool:
    wanted = expand(call.action)
    found = False
    for statement in statements:
        if not _has(statement.actions, wanted) or not _reaches(statement, call):
            continue
        met = any(holds(each, call, statement.allows) for each in statement.conditions)
        if met and not statement.allows:
            return False
        found = found or met
    return found


def _has(actions: ActionSet, wanted: ActionSet) -> bool:
    if wanted.bits & actions.bits != wanted.bits:
        return False
    return not wanted.others or not wanted - actions


def _reaches(statement: Statement, call: Call) -> bool:
    if call.resource == "*":
        # Some resource is enough to allow; only a denial of all resources denies them all.
        return statement.allows or "*" in statement.resources
    return any(_is_within(call.resource, pattern) for pattern in statement.resources)


def _is_within(arn: str, pattern: str) -> bool:
    if pattern.startswith(ALL_BUT):
        excluded = pattern.removeprefix(ALL_BUT).split(", ")
        return not any(covers(each, arn) for each in excluded)
    return covers(pattern, arn) or matching(pattern).fullmatch(arn) is not None


def holds(condition: Condition, call: Call, otherwise: bool) -> bool:
    """Whether a condition holds for a call; `otherwise` where it depends on what is not known."""
    return all(_item_holds(item, call, otherwise) for item in condition)


def _item_holds(item: Item, call: Call, otherwise: bool) -> bool:
    operator, key, values = item
    known = next((given for name, given in call.context if name == key), None)
    base = operator.rpartition(":")[2].removesuffix("IfExists")
    if known is None or base not in _COMPARED:
        return otherwise
    if base == "StringNotEquals":
        return not any(each in values for each in known)
    return any(
        each == value or (base != "StringEquals" and covers(value, each))
        for each in known
        for value in values
    )
