"""Finds changed properties of a resource, and what they were and will be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planning.document import Mark
from planning.replacement.verdict import steps
from rehearsal.values import Secret, reveal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.compared import Compared
    from planning.document import Change, PropertyChange
    from planning.severity import Severity
    from rehearsal.graph import Graph, Resource


@dataclass(frozen=True, slots=True)
class Case:
    """One changed resource, and the whole graphs it is in; None where its stack is not there."""

    compared: Compared
    change: Change
    base: Graph | None
    head: Graph | None


def changed(change: Change, *names: str) -> Iterator[PropertyChange]:
    """The changed properties whose path ends with one of the names."""
    for each in change.properties:
        along = [step for step in steps(each.path) if step != "*"]
        if along and along[-1] in names:
            yield each


def below(change: Change, name: str) -> Iterator[PropertyChange]:
    """The changed properties at or below a top-level one."""
    return (each for each in change.properties if steps(each.path)[:1] == (name,))


def value(resource: Resource | None, *path: str) -> Any:
    """A value of a resource's inputs, None where there is none; never a secret."""
    found: Any = resource.inputs if resource is not None else None
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    return None if isinstance(found, Secret) else found


def lowered(each: PropertyChange, *, missing: float = 0, forever: float | None = None) -> bool:
    """Whether a number is less than before; `forever` is one that stands for no limit."""
    before, after = _number(each.before, missing), _number(each.after, missing)
    if before is None or after is None:
        return False
    return _limit(after, forever) < _limit(before, forever)


def _number(given: Any, missing: float) -> float | None:
    if given is None:
        return missing
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        return float(given)
    except ValueError:
        return None


def _limit(number: float, forever: float | None) -> float:
    return float("inf") if forever is not None and number == forever else number


def statements(given: Any) -> list[dict[str, Any]]:
    """The statements of an IAM document, given as text or as what it says."""
    if isinstance(given, Secret):
        return []
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return []
    found = given.get("Statement") if isinstance(given, dict) else None
    found = [found] if isinstance(found, dict) else found
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def listed(given: Any) -> list[Any]:
    """One value as a list of one."""
    if given is None:
        return []
    return list(given) if isinstance(given, list) else [given]


def named(compared: Compared) -> str:
    """How a mark names a resource."""
    return f"{compared.resource.short_type} {compared.resource.name}"


def mark(kind: str, severity: Severity, text: str, path: str = "") -> Mark:
    """A mark; positional, as rules make many."""
    return Mark(kind=kind, severity=severity, text=text, path=path)


def plain(given: Any) -> str:
    """A value in a sentence."""
    found = reveal(given)
    return "nothing" if found is None else str(found)
