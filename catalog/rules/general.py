"""Rules for every file alike: its name, and sequences that say a thing twice."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from catalog.document import walk
from catalog.faults import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.draft import Draft, Entry


def named_after_its_file(draft: Draft, entry: Entry[Any]) -> None:
    """A cell's or a tenant's name is its file's, so that a path says what it is about."""
    if entry is draft.organization:
        return
    stem, name = PurePosixPath(entry.document.file).stem, entry.model.name
    if name == stem:
        return
    is_cell = entry.document.file.startswith("cells/")
    kind: Mapping[str, Entry[Any]] = draft.cells if is_cell else draft.tenants
    if name in kind:
        entry.fault(
            "duplicate-name",
            ("name",),
            f"`name` is that of {kind[name].document.file}",
            given=name,
            allowed=stem,
            remedy=f"write {stem}",
        )
    else:
        entry.fault(
            "name-differs",
            ("name",),
            "`name` differs from the file's name",
            given=name,
            allowed=stem,
            remedy=f"write {stem}, or rename the file to {shown(name)}.yaml",
        )


def nothing_twice(_draft: Draft, entry: Entry[Any]) -> None:
    """No sequence of plain values has the same one twice."""
    root = entry.document.root
    for location, node in walk(root) if root is not None else ():
        if not isinstance(node.value, tuple):
            continue
        seen: dict[object, int] = {}
        for index, item in enumerate(node.value):
            if isinstance(item, dict | tuple):
                continue
            if item in seen:
                entry.fault(
                    "duplicate-item",
                    (*location, index),
                    f"`{location[-1]}` has the same item twice",
                    given=item,
                    allowed=f"each once; the first stands in line {node.children[seen[item]].line}",
                    remedy="remove one of the two",
                )
            seen.setdefault(item, index)


RULES = (named_after_its_file, nothing_twice)
