"""The words that all outputs share: counts, titles, and one line for each thing a plan has."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from planning.marks.registry import KINDS
from planning.severity import RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planning.document import Action, Change, Mark, Plan, PropertyChange, Side, StackPlan

SIGNS: Mapping[Action, str] = {
    "create": "+",
    "update": "~",
    "replace": "±",
    "delete": "-",
    "rename": "→",
    "forget": "o",
}
DONE: Mapping[Action, str] = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "rename": "renamed",
    "forget": "let go",
}
LONGEST_VALUE = 160
"""Characters of a value in a line for people; the JSON has more of it."""


def count(number: int, what: str) -> str:
    """A number of things: `1 stack`, `2 stacks`."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def joined(parts: Iterable[str]) -> str:
    """Parts as a sentence lists them."""
    found = list(parts)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def title(kind: str) -> str:
    """What a kind of mark is called."""
    return KINDS.get(kind, kind)


def summary(plan: Plan) -> str:
    """What happens, in one sentence."""
    counts = plan.counts()
    parts = [f"{counts[action]:,} {DONE[action]}" for action in DONE if counts.get(action)]
    changed = sum(1 for stack in plan.stacks if stack.changes or stack.exports)
    if (plan.head.errors or plan.base.errors) and not plan.stacks:
        return "No plan could be made: see the errors"
    if not parts:
        return "No resource changes"
    return f"{count(changed, 'stack')}: {joined(parts)}"


def broken(side: Side, name: str) -> str:
    """What could not be evaluated of a side."""
    stacks = {each.stack for each in side.errors}
    if "" in stacks:
        return f"The {name} could not be evaluated"
    return f"{count(len(stacks), 'stack')} of the {name} could not be evaluated"


def coverage(plan: Plan) -> str:
    """How many stacks were looked at, and how."""
    return (
        f"{count(len(plan.stacks) + plan.unchanged, 'stack')} compared, "
        f"{plan.skipped:,} skipped since nothing that they depend on changed"
    )


def marked(plan: Plan) -> list[tuple[Mark, StackPlan, Change | None]]:
    """Every mark of a plan, the most severe first, then in the order of their kinds."""
    order = {kind: number for number, kind in enumerate(KINDS)}
    found: list[tuple[Mark, StackPlan, Change | None]] = []
    for stack in plan.stacks:
        found += [(mark, stack, None) for mark in stack.consequences]
        found += [(mark, stack, change) for change in stack.changes for mark in change.marks]
    return sorted(
        found, key=lambda each: (RANK[each[0].severity], order.get(each[0].kind, len(order)))
    )


def groups(stacks: Sequence[StackPlan]) -> list[list[StackPlan]]:
    """Stacks that change alike together, the most important group first."""
    found: dict[str, list[StackPlan]] = {}
    for stack in stacks:
        found.setdefault(stack.shape or stack.stack, []).append(stack)
    return sorted(found.values(), key=lambda group: weight(group[0]))


def weight(stack: StackPlan) -> tuple[int, int]:
    """Sorts stacks by their worst consequence."""
    worst = min((RANK[mark.severity] for mark in stack.marks), default=3)
    return (0 if stack.faults else 1), worst


def value(given: Any) -> str:
    """A value in one line, cut where it is long."""
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    text = one_line(text)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def one_line(text: str) -> str:
    """A text without what would break a line, hide, or turn around what follows."""
    return visible(re.sub(r"[\n\r\t]", " ", text))


def visible(text: str) -> str:
    """A text whose characters that hide, or turn around what follows, stand as their escapes."""
    return "".join(f"\\u{ord(each):04x}" if _is_control(each) else each for each in text)


def property_line(change: PropertyChange) -> str:
    """What becomes of a property, without its path."""
    if change.secret and change.kind == "changed":
        return "the secret value changes"
    if not change.known:
        return "another value, known after an apply"
    if change.kind == "added":
        return value(change.after)
    if change.kind == "removed":
        return value(change.before)
    return f"{value(change.before)} → {value(change.after)}"


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
