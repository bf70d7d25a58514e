"""There is one permission set per duty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import PERMISSION_SET
from policies.rule import Rule, Verdict
from policies.stack import at, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

DUTIES = ("auditor", "break-glass", "developer", "operator")


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Sets that are no duty, and duties without one."""
    sets = stack.of_type(PERMISSION_SET)
    names = [at(each.inputs, "name") for each in sets]
    for each, name in zip(sets, names, strict=True):
        wrong = name not in DUTIES or names.count(name) > 1
        yield Verdict(each, f"name is {shown(name)}" if wrong else "")
    if stack.kind == "organization":
        for duty in DUTIES:
            if duty not in names:
                yield Verdict(None, f"no permission set is named {duty}")


RULE = Rule(
    __name__,
    severity="medium",
    why="A set for one person is where rights are forgotten.",
    remedy="Keep to developer, operator, auditor and break-glass.",
    evaluate=evaluate,
)
