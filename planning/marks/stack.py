"""Whole stacks that the catalog no longer has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.marks.data import HOLDS_DATA
from planning.marks.looking import mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.document import Mark
    from rehearsal.graph import Graph


def removed(stack: str, base: Graph | None, head: Graph | None) -> Iterator[Mark]:
    """A tenant or a cell leaves the catalog."""
    if base is None or head is not None:
        return
    kind, _, name = stack.partition(".")
    holding = [each for each in base.resources.values() if each.type in HOLDS_DATA]
    kept = sum(1 for each in holding if each.protect or each.retain_on_delete)
    yield mark(
        f"{kind}-removed",
        "high",
        f"{kind} {name} leaves the catalog. Its stack stays until somebody destroys it; "
        f"of {len(holding)} resources that hold data {kept} are protected or kept even then",
    )
