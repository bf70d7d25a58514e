"""What an applied resource needs so that it becomes what the program now asks for."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from rehearsal.values import reveal

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\"[^\"]*\")\]")


def with_ignored(
    old: dict[str, Any], new: dict[str, Any], ignored: Iterable[str]
) -> dict[str, Any]:
    """The new inputs, in which the ignored properties are as they were: there or not."""
    result = copy.deepcopy(new)
    for path in ignored:
        *way, last = parse_path(path)
        found, before = _get(old, [*way, last])
        holder = _get(result, way)[1]
        if found and _holds(holder, last, may_be_new=True):
            holder[last] = before
        elif not found and _holds(holder, last) and isinstance(holder, dict):
            del holder[last]
    return result


def changed_properties(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """Names of the top-level properties that differ, secrets compared in plain."""
    missing = object()
    return tuple(
        sorted(
            key
            for key in old.keys() | new.keys()
            if reveal(old.get(key, missing)) != reveal(new.get(key, missing))
        )
    )


def top_level(paths: Iterable[str]) -> frozenset[str]:
    """The first property of each path; `*` stands for all."""
    return frozenset(str(parse_path(path)[0]) for path in paths)


def parse_path(path: str) -> list[str | int]:
    """The steps of a property path: `spec.ports[0].name` is spec, ports, 0, name.

    Source: https://www.pulumi.com/docs/iac/concepts/resources/options/ignorechanges/
    """
    steps: list[str | int] = []
    for match in _STEP.finditer(path):
        name, index = match.groups()
        if name is not None:
            steps.append(name)
        elif index.isdigit():
            steps.append(int(index))
        else:
            steps.append(index.strip('"'))
    return steps


def _get(value: Any, steps: list[str | int]) -> tuple[bool, Any]:
    for step in steps:
        if not _holds(value, step):
            return False, None
        value = value[step]
    return True, value


def _holds(value: Any, step: str | int, *, may_be_new: bool = False) -> bool:
    if isinstance(value, dict):
        return may_be_new or step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)
