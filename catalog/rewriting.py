"""Changes single values in a catalog file's text, and leaves every other character as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.document import Location

_QUOTED = {"'", '"'}


def with_values(text: str, values: Mapping[Location, str]) -> str:
    """The text with other values at these places; comments, order, quotes and line ends stay.

    The text is one that `catalog.load` takes, and the values are plain words: names of cells,
    databases and regions. Raises `LookupError` for a place where the text has no scalar.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    edits = sorted(((_scalar(root, place), value) for place, value in values.items()), key=_start)
    for node, value in reversed(edits):
        style = node.style if node.style in _QUOTED else ""
        start, end = node.start_mark.index, node.end_mark.index
        text = f"{text[:start]}{style}{value}{style}{text[end:]}"
    return text


def _start(edit: tuple[yaml.ScalarNode, str]) -> int:
    return edit[0].start_mark.index


def _scalar(root: yaml.Node | None, place: Location) -> yaml.ScalarNode:
    node = root
    for step in place:
        node = _child(node, step)
    if not isinstance(node, yaml.ScalarNode):
        raise LookupError(f"there is no value at {'.'.join(map(str, place))}")
    return node


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None
