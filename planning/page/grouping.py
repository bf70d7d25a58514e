"""Stacks that change alike are shown once: a thousand tenants read like one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planning.document import StackPlan


@dataclass(frozen=True, slots=True)
class Group:
    """Stacks of one shape."""

    first: StackPlan
    """The one whose changes are shown for all."""
    stacks: tuple[str, ...]

    @property
    def title(self) -> str:
        """The first one's name, and how many there are besides."""
        others = len(self.stacks) - 1
        return f"{self.first.stack} and {others:,} alike" if others else self.first.stack


def grouped(plans: Sequence[StackPlan]) -> tuple[Group, ...]:
    """Groups in the order of their first stacks; a stack without a shape stands by itself."""
    found: dict[tuple[str, str], list[StackPlan]] = {}
    for plan in plans:
        key = ("shape", plan.shape) if plan.shape else ("stack", plan.stack)
        found.setdefault(key, []).append(plan)
    return tuple(Group(each[0], tuple(plan.stack for plan in each)) for each in found.values())
