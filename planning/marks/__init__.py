"""What a change brings about that a reviewer must not miss, each consequence with a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.marks import cluster, data, network, rights, stack, versions
from planning.marks.looking import Case
from planning.severity import RANK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.compared import Compared
    from planning.document import Change, Mark
    from rehearsal.graph import Graph

RULES = (
    data.loses_data,
    data.storage_key,
    data.protection,
    data.retention,
    versions.engine,
    versions.restarts,
    versions.kubernetes,
    network.allow_lists,
    network.opened,
    network.public,
    rights.grants,
    rights.trust,
    rights.node_role,
    rights.wildcards,
    rights.guards,
    cluster.quotas,
)
"""Each asked of every resource that changes."""

_ACTIONS = {"replace": 0, "delete": 1, "forget": 2, "create": 3, "update": 4, "rename": 5}


def of_change(
    compared: Compared, change: Change, base: Graph | None, head: Graph | None
) -> Iterator[Mark]:
    """What one resource's change brings about."""
    found: dict[tuple[str, str], Mark] = {}
    case = Case(compared, change, base, head)
    for rule in RULES:
        for mark in rule(case):
            found.setdefault((mark.kind, mark.text), mark)
    yield from sorted(found.values(), key=lambda mark: RANK[mark.severity])


def of_stack(name: str, base: Graph | None, head: Graph | None) -> Iterator[Mark]:
    """What happens to the stack as a whole."""
    yield from stack.removed(name, base, head)


def importance(change: Change) -> tuple[int, int, int]:
    """Sorts changes: what is marked first, then what is lost."""
    worst = min((RANK[mark.severity] for mark in change.marks), default=3)
    return worst, 0 if change.refused else 1, _ACTIONS[change.action]
