"""How two values of a property differ: at the deepest paths, lists as sets where they are, and
documents in JSON as what they say.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planning.document import PropertyChange
from planning.set_like import ORDERED, is_set, key_of
from rehearsal.values import Reference, Secret, Unknown, is_known, redact, secret_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST = 2000
"""Characters of a value's JSON; what is longer is cut, since nobody reads it in a plan."""
_MISSING: Any = object()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[PropertyChange]:
    """Every path at which two sets of inputs differ, in alphabetical order of the first step."""
    found: list[PropertyChange] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, _MISSING), after.get(name, _MISSING)
        found += _differ(old, new, name, name, document=False)
    return found


def _differ(
    before: Any, after: Any, path: str, name: str, *, document: bool
) -> Iterator[PropertyChange]:
    if before is _MISSING and after is _MISSING:
        return
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        if type(before) is not type(after):
            yield _change(path, before, after)
        return
    if isinstance(before, Secret) or isinstance(after, Secret):
        if before != after:
            yield _change(path, before, after)
        return
    if isinstance(before, Reference) and isinstance(after, Reference):
        if before.urn != after.urn:
            yield _change(path, before, after)
        return
    if document and is_set(name, document):
        # IAM takes one value for a list of one.
        before, after = _listed(before), _listed(after)
    match before, after:
        case dict(), dict():
            for key in sorted(before.keys() | after.keys(), key=str):
                old, new = before.get(key, _MISSING), after.get(key, _MISSING)
                yield from _differ(old, new, f"{path}.{key}", str(key), document=document)
        case list(), list():
            yield from _differ_in_items(before, after, path, name, document)
        case str(), str() if before != after:
            old, new = _parsed(before), _parsed(after)
            if old is None or new is None:
                yield _change(path, before, after)
            else:
                yield from _differ(old, new, path, name, document=True)
        case _ if before is _MISSING or after is _MISSING or not _same(before, after):
            yield _change(path, before, after)
        case _:
            return


def _differ_in_items(
    before: list[Any], after: list[Any], path: str, name: str, document: bool
) -> Iterator[PropertyChange]:
    if before == after:
        return
    key = None if name in ORDERED else key_of(before, after)
    if key is not None:
        old = {item[key]: item for item in before}
        new = {item[key]: item for item in after}
        for value in dict.fromkeys((*old, *new)):
            item = old.get(value, _MISSING), new.get(value, _MISSING)
            yield from _differ(*item, f"{path}[{key}={value}]", "", document=document)
        return
    if is_set(name, document):
        yield from _differ_as_sets(before, after, path, document)
    elif len(before) == len(after):
        for number, (old_item, new_item) in enumerate(zip(before, after, strict=True)):
            yield from _differ(old_item, new_item, f"{path}[{number}]", "", document=document)
    else:
        shared = 0
        while shared < min(len(before), len(after)) and before[shared] == after[shared]:
            shared += 1
        for number, item in enumerate(before[shared:], shared):
            new_item = after[number] if number < len(after) else _MISSING
            yield from _differ(item, new_item, f"{path}[{number}]", "", document=document)
        for number, item in enumerate(after[len(before) :], len(before)):
            yield from _differ(_MISSING, item, f"{path}[{number}]", "", document=document)


def _differ_as_sets(
    before: list[Any], after: list[Any], path: str, document: bool
) -> Iterator[PropertyChange]:
    gone, come = list(before), []
    for item in after:
        if item in gone:
            gone.remove(item)
        else:
            come.append(item)
    # Where one item of a kind left and one came, it is the same one, changed.
    if len(gone) == len(come) == 1 and isinstance(gone[0], dict) and isinstance(come[0], dict):
        yield from _differ(gone[0], come[0], f"{path}[]", "", document=document)
        return
    for item in gone:
        yield from _differ(item, _MISSING, f"{path}[]", "", document=document)
    for item in come:
        yield from _differ(_MISSING, item, f"{path}[]", "", document=document)


def _change(path: str, before: Any, after: Any) -> PropertyChange:
    kind = "added" if before is _MISSING else "removed" if after is _MISSING else "changed"
    sides = [value for value in (before, after) if value is not _MISSING]
    return PropertyChange(
        path=path,
        kind=kind,
        before=None if before is _MISSING else shown(before),
        after=None if after is _MISSING else shown(after),
        secret=any(True for value in sides for _ in secret_paths(value)),
        known=all(map(is_known, sides)),
    )


def shown(value: Any) -> Any:
    """A value as a plan has it: without secrets, and cut where it is long."""
    plain = redact(value)
    text = json.dumps(plain, ensure_ascii=False, default=str)
    if len(text) <= LONGEST:
        return plain
    return f"{text[:LONGEST]}… ({len(text):,} characters)"


def _parsed(text: str) -> Any:
    """What a text says in JSON; None where it is no object or list."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _same(before: Any, after: Any) -> bool:
    return type(before) is type(after) and bool(before == after)
