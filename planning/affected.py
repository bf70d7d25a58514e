"""Which stacks a change can affect, from digests of all that each of them depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planning.states import State


class Affected:
    """What is known of each stack while a plan is made, before and after it is evaluated."""

    def __init__(self, base: State, head: State) -> None:
        self._base = base
        self._head = head
        self._same: dict[str, bool] = {}
        """Whether the stacks that were looked at export the same at both."""

    def of_kind(self, kind: str) -> list[str]:
        """All stacks of a kind that either side has."""
        both = {**self._base.digests, **self._head.digests}
        return [stack for stack in both if stack.partition(".")[0] == kind]

    def at(self, state: State, stacks: Sequence[str]) -> frozenset[str]:
        """Those of some stacks that a side has."""
        return frozenset(stack for stack in stacks if stack in state.digests)

    def is_same(self, stack: str) -> bool:
        """Whether a stack's graph is the same at both, known without its evaluation."""
        base, head = self._base.digests.get(stack), self._head.digests.get(stack)
        if base is None or head is None:
            return False
        if base.whole != head.whole:
            if base.own != head.own or base.references != head.references:
                return False
            if not all(self._same.get(each, False) for each in head.references):
                return False
        self._same[stack] = True
        return True

    def note(self, stack: str, *, same: bool) -> None:
        """Remember whether a stack exports the same at both."""
        self._same[stack] = same

    def exports_same(self, stack: str) -> bool:
        """Whether a stack exports the same at both, as far as is known."""
        return self._same.get(stack, False)

    def digests(self, stack: str) -> tuple[str | None, str | None]:
        """What a stack depends on at base and head."""
        base, head = self._base.digests.get(stack), self._head.digests.get(stack)
        return base.whole if base is not None else None, head.whole if head is not None else None
