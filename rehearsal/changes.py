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
    """The new inputs, in which the ignored properties are as they were."""
    result = new
    for path in ignored:
        steps = parse_path(path)
        found, value = _get(old, steps)
        if not found:
            continue
        if result is new:
            result = copy.deepcopy(new)
        _set(result, steps, value)
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
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False, None
    return True, value


def _set(value: Any, steps: list[str | int], replacement: Any) -> None:
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if following is None:
            value[step] = replacement
        else:
            if isinstance(value, dict) and step not in value:
                value[step] = {}
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return
