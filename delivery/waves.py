"""Which stacks are brought up together, and after which others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.catalog import placements
from delivery.records import WAVES
from stacks.programs import ORGANIZATION, parse, stack_names

if TYPE_CHECKING:
    from catalog.catalog import Catalog, Ledger
    from delivery.checklist import Checklist
    from delivery.records import Wave

ENVIRONMENT_OF: dict[Wave, str] = {
    "organization": "organization",
    "dev": "dev",
    "staging": "staging",
    "canary": "prod",
    "rest": "prod",
}
"""What a wave changes, and so which lease it needs."""


def before(wave: Wave) -> tuple[Wave, ...]:
    """The waves that must have been done before one."""
    return WAVES[: WAVES.index(wave)]


def wave_of(catalog: Catalog, checklist: Checklist, ledger: Ledger, stack: str) -> Wave:
    """The wave in which a stack is brought up.

    A tenant that is in two cells while it moves, and what joins those, wait for the later of them.
    """
    parts = parse(catalog, stack)
    match parts.kind:
        case "organization":
            return "organization"
        case "cell":
            return _of_cell(catalog, checklist, parts.name)
        case "peering":
            cells = parts.name.split(".")
        case "tenant":
            cells = [place.cell for place in placements(catalog.tenants[parts.name], ledger)]
    return max((_of_cell(catalog, checklist, cell) for cell in cells), key=WAVES.index)


def _of_cell(catalog: Catalog, checklist: Checklist, cell: str) -> Wave:
    environment = catalog.cells[cell].environment
    if environment != "prod":
        return environment
    return "canary" if cell == checklist.canary else "rest"


def stacks_by_wave(
    catalog: Catalog, checklist: Checklist, ledger: Ledger
) -> dict[Wave, tuple[str, ...]]:
    """Every stack of the catalog, by wave; cells stand before tenants."""
    found: dict[Wave, list[str]] = {wave: [] for wave in WAVES}
    for stack in stack_names(catalog):
        found[wave_of(catalog, checklist, ledger, stack)].append(stack)
    return {wave: tuple(stacks) for wave, stacks in found.items()}


def cell_of(catalog: Catalog, ledger: Ledger, stack: str) -> str | None:
    """The cell whose runners bring a stack up; the first of two. None for the organization's."""
    if stack == ORGANIZATION:
        return None
    parts = parse(catalog, stack)
    if parts.kind == "cell":
        return parts.name
    return placements(catalog.tenants[parts.name], ledger)[0].cell
