"""Finds a stack's program by the stack's name, and the stacks it refers to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from catalog.catalog import placements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalog.catalog import Catalog, Ledger

Kind = Literal["organization", "cell", "peering", "tenant"]
ORGANIZATION = "organization"


class UnknownStackNameError(LookupError):
    """No stack of that name is in the catalog.

    Attributes:
        stack: the name that was asked for.
    """

    def __init__(self, stack: str, catalog: Catalog) -> None:
        self.stack = stack
        known = ", ".join(stack_names(catalog))
        super().__init__(f"there is no stack {stack!r} in the catalog; its stacks are: {known}")


class LostCellsError(LookupError):
    """Tenants are served by cells, or keep something there, that the catalog lacks.

    Attributes:
        source: the file and line of the first such cell, as it was before it was removed.
        problem: who is in which cell.
        remedy: what to do.
    """

    def __init__(self, catalog: Catalog, ledger: Ledger) -> None:
        lost: dict[str, list[str]] = {}
        for name, tenant in sorted(catalog.tenants.items()):
            for cell in sorted({place.cell for place in placements(tenant, ledger)}):
                if cell not in catalog.cells:
                    lost.setdefault(cell, []).append(name)
        self.source = f"cells/{min(lost)}.yaml:1"
        self.problem = "; ".join(
            f"the catalog lacks the cell {cell}, which serves or keeps {', '.join(lost[cell])}"
            for cell in sorted(lost)
        )
        self.remedy = (
            "put the cell's file back; remove it in a later change, when `patchworks tenant "
            "finish` has ended the move of everyone who left"
        )
        super().__init__(f"{self.source}: {self.problem}; {self.remedy}")


@dataclass(frozen=True, slots=True)
class StackName:
    """A stack's name in its parts."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return self.kind if self.kind == ORGANIZATION else f"{self.kind}.{self.name}"


def stack_names(catalog: Catalog) -> tuple[str, ...]:
    """Every stack of a catalog, each after those it refers to.

    Peerings are not among them: they come and go with tenants that span two cells.
    """
    return (
        ORGANIZATION,
        *(f"cell.{name}" for name in sorted(catalog.cells)),
        *(f"tenant.{name}" for name in sorted(catalog.tenants)),
    )


def parse(catalog: Catalog, stack: str) -> StackName:
    """A stack's name in its parts.

    Raises:
        UnknownStackNameError: the catalog has no such organization, cell, pair of cells or tenant.
    """
    kind, _, name = stack.partition(".")
    if stack == ORGANIZATION:
        return StackName("organization", catalog.organization.name)
    if kind == "cell" and name in catalog.cells:
        return StackName("cell", name)
    if kind == "peering" and _is_pair(catalog, name):
        return StackName("peering", name)
    if kind == "tenant" and name in catalog.tenants:
        return StackName("tenant", name)
    raise UnknownStackNameError(stack, catalog)


def program(catalog: Catalog, stack: str, ledger: Ledger) -> Callable[[], Mapping[str, Any]]:
    """The stack's program, ready to run; it returns the stack's exports."""
    parts = parse(catalog, stack)
    deploy = import_module(f"stacks.{parts.kind}").deploy
    return partial(deploy, seen_by(catalog, stack, ledger), parts.name, ledger)


def seen_by(catalog: Catalog, stack: str, ledger: Ledger) -> Catalog:
    """The part of a catalog that a stack's program is shown.

    No program can depend on what it never sees, so whoever compares two commits knows without
    running a program that a stack whose part is the same, under the same code, is unchanged.

    Raises:
        LostCellsError: the ledger has the stack's tenant in a cell that the catalog lacks.
    """
    parts = parse(catalog, stack)
    match parts.kind:
        case "organization":
            # Dedicated databases are backed up into regions that the organization prepares.
            cells = dict(catalog.cells)
            tenants = {
                name: tenant
                for name, tenant in catalog.tenants.items()
                if tenant.placement.dedicated is not None
            }
        case "cell":
            cells, tenants = {parts.name: catalog.cells[parts.name]}, {}
        case "peering":
            cells, tenants = {name: catalog.cells[name] for name in parts.name.split(".")}, {}
        case "tenant":
            tenant = catalog.tenants[parts.name]
            tenants = {parts.name: tenant}
            lived_in = {place.cell for place in placements(tenant, ledger)}
            if not lived_in <= catalog.cells.keys():
                raise LostCellsError(catalog, ledger)
            cells = {name: each for name, each in catalog.cells.items() if name in lived_in}
    return catalog.model_copy(update={"cells": cells, "tenants": tenants})


def references(catalog: Catalog, stack: str, ledger: Ledger) -> tuple[str, ...]:
    """The stacks that a stack's program refers to, so that they must exist before it."""
    parts = parse(catalog, stack)
    match parts.kind:
        case "organization":
            return ()
        case "cell":
            return (ORGANIZATION,)
        case "peering":
            return tuple(f"cell.{name}" for name in parts.name.split("."))
        case "tenant":
            lived_in = {
                f"cell.{place.cell}" for place in placements(catalog.tenants[parts.name], ledger)
            }
            return (ORGANIZATION, *sorted(lived_in))


def with_references(catalog: Catalog, stacks: tuple[str, ...], ledger: Ledger) -> tuple[str, ...]:
    """The named stacks and all they refer to, in the order to bring them up."""
    wanted: set[str] = set()
    waiting = list(stacks)
    while waiting:
        stack = waiting.pop()
        if stack not in wanted:
            wanted.add(stack)
            waiting.extend(references(catalog, stack, ledger))
    return tuple(stack for stack in stack_names(catalog) if stack in wanted)


def _is_pair(catalog: Catalog, name: str) -> bool:
    """Whether a name is that of two cells, in their order."""
    cells = name.split(".")
    return len(cells) == 2 and cells[0] < cells[1] and all(cell in catalog.cells for cell in cells)
