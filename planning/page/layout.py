"""Where each node of a drawing stands: in columns by what it waits for, with few crossings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 210, 44
"""Of a node, in pixels."""
_ACROSS, _DOWN, _EDGE = 70, 14, 8
_ABREAST = 3
_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Spot:
    """The upper left corner of a node, in pixels."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A drawing's measures, in pixels."""

    width: int
    height: int
    spots: tuple[Spot, ...]

    def edge(self, start: int, end: int) -> str:
        """The path, in SVG's terms, from the right of node `start` to the left of node `end`."""
        a, b = self.spots[start], self.spots[end]
        x1, y1, x2, y2 = a.x + WIDTH, a.y + HEIGHT // 2, b.x, b.y + HEIGHT // 2
        bend = max(_ACROSS // 2, (x2 - x1) // 2)
        return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


def lay_out(uses: Sequence[Sequence[int]]) -> Layout:
    """Place nodes, of which the one at `i` uses those at `uses[i]`, to the right of what they use.

    A node's column is the longest way to it; within columns, nodes are drawn towards the middle of
    their neighbours in a few sweeps, as Sugiyama's method does. A circle is cut where it is met.
    Nodes without an edge stand below, in rows.
    """
    joined = {node for node, used in enumerate(uses) if used} | {
        node for used in uses for node in used
    }
    columns = [
        kept
        for each in _columns(_depths(uses))
        if (kept := [node for node in each if node in joined])
    ]
    _untangle(columns, uses)
    tallest = max((len(column) for column in columns), default=0)
    spots = [Spot(0, 0)] * len(uses)
    for across, column in enumerate(columns):
        above = (tallest - len(column)) * (HEIGHT + _DOWN) // 2
        for down, node in enumerate(column):
            spots[node] = _spot(across, down, above)
    single = [node for node in range(len(uses)) if node not in joined]
    abreast = max(len(columns), min(len(single), _ABREAST))
    for number, node in enumerate(single):
        spots[node] = _spot(number % abreast, tallest + number // abreast, 0)
    rows = tallest + (-(-len(single) // abreast) if single else 0)
    return Layout(
        width=2 * _EDGE + abreast * (WIDTH + _ACROSS) - (_ACROSS if abreast else 0),
        height=2 * _EDGE + rows * (HEIGHT + _DOWN) - (_DOWN if rows else 0),
        spots=tuple(spots),
    )


def _spot(across: int, down: int, above: int) -> Spot:
    return Spot(_EDGE + across * (WIDTH + _ACROSS), _EDGE + above + down * (HEIGHT + _DOWN))


def _untangle(columns: list[list[int]], uses: Sequence[Sequence[int]]) -> None:
    row = {node: number for column in columns for number, node in enumerate(column)}
    users: list[list[int]] = [[] for _ in uses]
    for node, used in enumerate(uses):
        for each in used:
            users[each].append(node)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        beside: Sequence[Sequence[int]] = uses if forward else users
        for column in columns if forward else reversed(columns):
            column.sort(key=lambda node: (_middle(beside[node], row, row[node]), row[node]))
            row.update({node: number for number, node in enumerate(column)})


def _middle(beside: Sequence[int], row: dict[int, int], own: int) -> float:
    return sum(row[each] for each in beside) / len(beside) if beside else float(own)


def _depths(uses: Sequence[Sequence[int]]) -> list[int]:
    depths = [-1] * len(uses)
    entered: set[int] = set()
    for start in range(len(uses)):
        waiting = [start]
        while waiting:
            node = waiting[-1]
            if depths[node] >= 0:
                waiting.pop()
                continue
            open_ones = [each for each in uses[node] if depths[each] < 0 and each not in entered]
            if node not in entered and open_ones:
                entered.add(node)
                waiting += open_ones
                continue
            depths[node] = 1 + max((depths[each] for each in uses[node]), default=-1)
            waiting.pop()
    return depths


def _columns(depths: Sequence[int]) -> list[list[int]]:
    columns: list[list[int]] = [[] for _ in range(max(depths, default=-1) + 1)]
    for node, depth in enumerate(depths):
        columns[depth].append(node)
    return columns
