"""What a stack's state has on a side that is gone for good, and that state without it.

An update asks every resource's provider to delete what the program no longer declares, and one
that speaks to a dead server or a dead cell can't. So the state lets go of it first: nothing there
is deleted, and nothing is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from catalog.catalog import Catalog
    from catalog.tenant import Placement

_NAME = 3
"""Where a URN has its resource's name; a reference to a provider has its id behind it."""
_DEDICATED = "dedicated"


@dataclass(frozen=True)
class LostSide:
    """The database of a placement, or all of its cell."""

    cell: str
    databases: tuple[str, ...]
    whole_cell: bool

    @classmethod
    def of(cls, catalog: Catalog, place: Placement, *, whole_cell: bool) -> LostSide:
        """A placement's side."""
        databases = (*catalog.cells[place.cell].databases, _DEDICATED)
        return cls(place.cell, databases if whole_cell else (place.database,), whole_cell)

    @property
    def providers(self) -> frozenset[str]:
        """The names of the providers that nothing can be asked by; see `stacks.tenant`."""
        found = {f"{self.cell}-{database}" for database in self.databases}
        if self.whole_cell:
            found |= {self.cell, f"{self.cell}-cluster"}
        return frozenset(found)

    def has(self, urn: str, provider: str | None) -> bool:
        """Whether a resource, or a provider, is of this side; by URNs."""
        if ":providers:" in urn:
            return _name(urn) in self.providers
        return bool(provider) and _name(str(provider)) in self.providers

    def held(self, provider: str | None) -> bool:
        """Whether a resource that stays may still be protected, though it is to go.

        The update that takes the protection off this side may never have been made.
        """
        return bool(provider) and _name(str(provider)) == self.cell


def cut(
    resources: Iterable[Mapping[str, Any]], side: LostSide
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The resources of a deployment as `pulumi stack export` prints them: what stays, what goes.

    What stays refers to nothing that goes, which the engine would take for a damaged state.
    """
    known = {each["urn"]: dict(each) for each in resources}
    gone = {urn for urn, each in known.items() if side.has(urn, each.get("provider"))}
    kept = []
    for each in map(dict, resources):
        if each["urn"] in gone:
            continue
        parent = each.get("parent")
        while parent in gone:
            parent = known[parent].get("parent")
        if parent != each.get("parent"):
            each["parent"] = parent
        if "dependencies" in each:
            each["dependencies"] = _without(each["dependencies"], gone)
        if "propertyDependencies" in each:
            each["propertyDependencies"] = {
                name: _without(urns, gone) for name, urns in each["propertyDependencies"].items()
            }
        if each.get("deletedWith") in gone:
            del each["deletedWith"]
        if side.held(each.get("provider")):
            each.pop("protect", None)
        kept.append(each)
    return kept, [each for urn, each in known.items() if urn in gone]


def listed(resources: Iterable[tuple[str, str | None]]) -> list[str]:
    """What was let go of, for people: type, name and id of each, without the providers.

    Given are URN and id.
    """
    return [
        f"{urn.split('::')[2].rpartition('$')[2]} {_name(urn)}" + (f" ({known})" if known else "")
        for urn, known in resources
        if ":providers:" not in urn
    ]


def _without(urns: Iterable[str] | None, gone: set[str]) -> list[str]:
    return [urn for urn in urns or () if urn not in gone]


def _name(urn: str) -> str:
    return urn.split("::")[_NAME]
