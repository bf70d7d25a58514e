"""What of a stack is to be deleted, in which order, and what is kept because it is protected."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rehearsal.state import Applied


@dataclass(frozen=True, slots=True)
class Deletion:
    """One resource that the program no longer asks for."""

    resource: Applied
    kept_because: str = ""
    """Why it is kept all the same; empty where it is to be deleted."""


def plan_deletions(resources: Mapping[str, Applied], wanted: Collection[str]) -> list[Deletion]:
    """The resources that are not wanted, those that depend on others first.

    A protected resource is kept, and so is all that it depends on: a key under a kept bucket, the
    owner of a kept database.
    """
    unwanted = {urn for urn in resources if urn not in wanted}
    kept = {urn: "protected" for urn in unwanted if resources[urn].protect}
    for urn in list(kept):
        for needed in _needs(urn, resources):
            if needed in unwanted:
                kept.setdefault(needed, f"needed by {resources[urn].name}, which is protected")
    sorter = TopologicalSorter(
        {urn: _direct(resources[urn]) & resources.keys() for urn in resources}
    )
    order = [urn for urn in reversed(list(sorter.static_order())) if urn in unwanted]
    return [Deletion(resources[urn], kept.get(urn, "")) for urn in order]


def _needs(urn: str, resources: Mapping[str, Applied]) -> Iterator[str]:
    seen = {urn}
    waiting = [urn]
    while waiting:
        for needed in _direct(resources[waiting.pop()]) & resources.keys():
            if needed not in seen:
                seen.add(needed)
                waiting.append(needed)
                yield needed


def _direct(resource: Applied) -> set[str]:
    own = {resource.parent, resource.provider} - {None}
    return set(resource.dependencies) | {urn for urn in own if urn is not None}
