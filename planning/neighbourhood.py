"""The part of a graph that a reviewer looks at: what changes, and what stands next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.document import Node
from planning.severity import RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planning.document import Change
    from planning.severity import Severity
    from rehearsal.graph import Graph, Resource

LARGEST = 60
"""Nodes that a drawing holds before neighbours, and then changes, are left out."""


def around(
    changes: Sequence[Change], base: Graph | None, head: Graph | None, *, largest: int = LARGEST
) -> tuple[Node, ...]:
    """The changed resources and their neighbours, each after those that it uses where possible.

    Args:
        changes: the most important first, which are the last to be left out.
        base: the graph before, for what is removed; None where there is none.
        head: the graph after.
        largest: how many nodes to return at most.
    """
    resources = {**(base.resources if base else {}), **(head.resources if head else {})}
    changed = {each.urn: each for each in changes if each.urn in resources}
    chosen = dict.fromkeys(list(changed)[:largest])
    for urn in _neighbours(chosen, resources):
        if len(chosen) >= largest:
            break
        chosen.setdefault(urn)
    order = [urn for urn in resources if urn in chosen]
    place = {urn: number for number, urn in enumerate(order)}
    return tuple(
        Node(
            urn=urn,
            type=resources[urn].type,
            name=resources[urn].name,
            component=_component(resources[urn], resources),
            action=changed[urn].action if urn in changed else None,
            severity=_gravest(changed[urn]) if urn in changed else None,
            uses=tuple(
                sorted(
                    place[each]
                    for each in _uses(resources[urn])
                    if each in place and (urn in changed or each in changed)
                )
            ),
        )
        for urn in order
    )


def _neighbours(chosen: Iterable[str], resources: Mapping[str, Resource]) -> list[str]:
    """What the chosen ones use, and then what uses them; components and providers are neither."""
    near = set(chosen)
    users: list[str] = []
    used: list[str] = []
    for urn, resource in resources.items():
        if not resource.custom or resource.is_provider:
            continue
        if urn in near:
            used += [each for each in _uses(resource) if each in resources]
        elif near & _uses(resource).keys():
            users.append(urn)
    drawn = [each for each in used if resources[each].custom and not resources[each].is_provider]
    return list(dict.fromkeys([*drawn, *users]))


def _uses(resource: Resource) -> dict[str, None]:
    """What the resource waits for, by its inputs and by its options; never itself."""
    named = [*resource.dependencies]
    for each in resource.property_dependencies.values():
        named += each
    return {urn: None for urn in named if urn != resource.urn}


def _component(resource: Resource, resources: Mapping[str, Resource]) -> str:
    names: list[str] = []
    parent = resources.get(resource.parent or "")
    while parent is not None and parent.parent is not None:
        names.append(parent.name)
        parent = resources.get(parent.parent)
    return " / ".join(reversed(names))


def _gravest(change: Change) -> Severity | None:
    return min((mark.severity for mark in change.marks), key=RANK.__getitem__, default=None)
