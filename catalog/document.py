"""One file of the catalog as plain values that remember their line and column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from catalog.faults import Fault, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

Location = tuple[str | int, ...]
"""Keys and indices, from the outermost."""


@dataclass(slots=True)
class Node:
    """A value, where it stands, and the nodes in it."""

    value: Any
    """A dict, a tuple, a str, an int, a float, a bool or None."""
    line: int
    column: int
    text: str | None = None
    """A scalar as it was written, without quotes."""
    children: dict[str | int, Node] = field(default_factory=dict)
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Where each key of a mapping stands."""


@dataclass(slots=True)
class Document:
    """One file's values and the faults found while reading them."""

    file: str
    root: Node | None = None
    faults: list[Fault] = field(default_factory=list)
    spoiled: set[Location] = field(default_factory=set)
    """Places that are at fault already: what else is said of them would only repeat it."""

    def node(self, location: Location) -> Node | None:
        """The node at a location, or None where there is none."""
        node = self.root
        for step in location:
            node = None if node is None else node.children.get(step)
        return node

    def position(self, location: Location, *, key: bool = False) -> tuple[int, int]:
        """Line and column of a value, of its key, or of the nearest thing that exists."""
        while location:
            parent = self.node(location[:-1])
            if parent is not None:
                last = location[-1]
                node = parent.children.get(last)
                if isinstance(last, str) and last in parent.keys:
                    inline = node is not None and not node.children
                    if key or not inline or node is None:
                        return parent.keys[last]
                if node is not None:
                    return node.line, node.column
            location, key = location[:-1], True
        return (self.root.line, self.root.column) if self.root is not None else (1, 1)

    def add(
        self,
        rule: Rule,
        location: Location,
        problem: str,
        *,
        given: str = "",
        allowed: str,
        remedy: str,
        key: bool = False,
    ) -> None:
        """Add a fault at a location, unless the same rule has already spoken of it."""
        line, column = self.position(location, key=key)
        self.add_at(rule, line, column, problem, given=given, allowed=allowed, remedy=remedy)
        self.spoiled.add(location)

    def add_at(
        self,
        rule: Rule,
        line: int,
        column: int,
        problem: str,
        *,
        given: str = "",
        allowed: str,
        remedy: str,
    ) -> None:
        """Add a fault at a line and a column, both from 1."""
        fault = Fault(self.file, line, column, rule, problem, given, allowed, remedy)
        if fault not in self.faults:
            self.faults.append(fault)

    def is_spoiled(self, location: Location) -> bool:
        """Whether the place, or one that holds it, is at fault already."""
        return any(location[:end] in self.spoiled for end in range(len(location) + 1))


def walk(node: Node, location: Location = ()) -> Iterator[tuple[Location, Node]]:
    """Every node and its location, the outer ones first."""
    waiting = [(location, node)]
    while waiting:
        place, each = waiting.pop()
        yield place, each
        if each.children:
            below = [((*place, step), child) for step, child in each.children.items()]
            waiting.extend(reversed(below))
