"""What a stack's state has on a side that is gone for good, and that state without it.

An update asks every resource's provider to delete what the program no longer declares, and one
that speaks to a dead server or a dead cell can't. So the state lets go of it first: nothing there
is deleted, and nothing is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.catalog import Catalog
    from catalog.tenant import Placement

_NAME = 3
"""Where a URN has its resource's name; a reference to a provider has its id behind it."""
_PROVIDERS = ":providers:"
_DEDICATED = "dedicated"


@dataclass(frozen=True)
class LostSide:
    """The database of a placement, or all of its cell."""

    cell: str
    databases: tuple[str, ...]
    whole_cell: bool
    serving: bool
    """Whether the side that stays is in the same cell."""

    @classmethod
    def of(
        cls, catalog: Catalog, place: Placement, stays: Placement, *, whole_cell: bool
    ) -> LostSide:
        """The side of a placement, where the tenant is served by another one."""
        databases = (*catalog.cells[place.cell].databases, _DEDICATED)
        lost = databases if whole_cell else (place.database,)
        return cls(place.cell, lost, whole_cell, stays.cell == place.cell)

    @property
    def providers(self) -> frozenset[tuple[str, str]]:
        """The providers that nothing can be asked by, by type and name; see `stacks.tenant`."""
        found = {("postgresql", f"{self.cell}-{database}") for database in self.databases}
        if self.whole_cell:
            found |= {("aws", self.cell), ("kubernetes", f"{self.cell}-cluster")}
        return frozenset(found)

    def has(self, urn: str, provider: str | None) -> bool:
        """Whether a resource, or a provider, is of this side; by URNs."""
        of = urn if _PROVIDERS in urn else provider
        return bool(of) and _provider(str(of)) in self.providers

    def held(self, urn: str, provider: str | None) -> bool:
        """Whether a resource that stays may still be protected, though it is to go.

        The update that takes the protection off this side may never have been made. Where the cell
        serves, that is the lost database's own alone.
        """
        if not provider or _provider(provider) != ("aws", self.cell):
            return False
        own = tuple(f"-{self.cell}-{database}-" for database in self.databases)
        return not self.serving or any(each in f"{_name(urn)}-" for each in own)


def cut(
    resources: Sequence[Mapping[str, Any]], side: LostSide
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The resources of a deployment as `pulumi stack export` prints them: what stays, what goes.

    What stays refers to nothing that goes, which the engine would take for a damaged state.
    """
    known = {each["urn"]: each for each in resources}
    gone = {each["urn"] for each in known.values() if side.has(each["urn"], each.get("provider"))}
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
        if side.held(each["urn"], each.get("provider")):
            each.pop("protect", None)
        kept.append(each)
    return kept, [dict(each) for each in resources if each["urn"] in gone]


def listed(resources: Iterable[tuple[str, str | None]]) -> list[str]:
    """What was let go of, for people: type, name and id of each, without the providers.

    Given are URN and id.
    """
    return [
        f"{urn.split('::')[2].rpartition('$')[2]} {_name(urn)}" + (f" ({known})" if known else "")
        for urn, known in resources
        if _PROVIDERS not in urn
    ]


def _without(urns: Iterable[str] | None, gone: set[str]) -> list[str]:
    return [urn for urn in urns or () if urn not in gone]


def _name(urn: str) -> str:
    return urn.split("::")[_NAME]


def _provider(urn: str) -> tuple[str, str]:
    """A provider's type and name, by its URN or a reference to it."""
    return urn.partition(_PROVIDERS)[2].partition("::")[0], _name(urn)
