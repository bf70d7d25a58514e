"""The backup plan selects every database of the cell, dedicated ones too, by its tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE
from policies.rule import Rule, Verdict, each
from policies.stack import at, listed, parsed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each("aws:backup/selection:Selection", needed_in=("cell",))
def of_selections(selection: Resource, stack: Stack) -> Iterator[str]:
    """Selections by anything but the cell's tag."""
    wanted = [{"key": "aws:ResourceTag/cell", "value": stack.name}]
    found = [at(each, "stringEquals") for each in listed(at(selection.inputs, "conditions"))]
    if found != [wanted]:
        yield f"conditions is {shown(at(selection.inputs, 'conditions'))}"


@each(DATABASE, needed_in=("cell",))
def of_databases(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Databases that are not tagged with a cell."""
    provider = stack.graph.resources.get(cluster.provider or "")
    tags = at(provider.inputs, "defaultTags") if provider is not None else None
    if tags is not UNKNOWN and not at(parsed(tags), "tags.cell"):
        yield "its provider does not tag it with its cell"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Selections, and what they are to select."""
    yield from of_selections(stack)
    yield from of_databases(stack)


RULE = Rule(
    __name__,
    severity="high",
    why="A database that a plan does not select has no copy elsewhere, and nobody notices "
    "until it is needed.",
    remedy="Select by aws:ResourceTag/cell, and make every database with a provider that "
    "tags it so.",
    evaluate=evaluate,
)
