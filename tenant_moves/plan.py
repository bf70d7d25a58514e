"""Compares where a tenant is declared with where it is served: nothing to do, or a move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import names
from database_moves.errors import RefusedError
from tenant_moves.slices import key, same

if TYPE_CHECKING:
    from catalog.catalog import Catalog
    from catalog.tenant import Placement
    from database_moves.database import Side
    from stacks.ledger_table import Entry

MOVE_LIMIT = 40
"""Characters that the name of a move of a database may have."""


@dataclass(frozen=True)
class Plan:
    """A tenant's move: from where to where, under which name."""

    tenant: str
    move: str
    source: Placement
    target: Placement
    begun: bool
    """Whether the ledger knows of it already, so that running it means to go on."""
    closing: bool = False
    """Whether it is over but for the contraction of the stack; source and target are one then."""
    parting: bool = False
    """Whether nothing is left but to close the ways between its cells, and to note that."""

    def place(self, side: Side) -> Placement:
        """The placement on a side of the move."""
        return self.source if side == "source" else self.target

    @property
    def described(self) -> str:
        """The way, for people."""
        if self.closing:
            return f"the end of {self.tenant}'s move to {key(self.target)}"
        return f"{self.tenant}: {key(self.source)} to {key(self.target)}"


def compare(catalog: Catalog, tenant: str, entry: Entry) -> Plan | None:
    """The move that the catalog asks for, or that is under way; None where there is nothing to do.

    Raises `RefusedError` where the move under way goes elsewhere than the catalog now says.
    """
    declared = catalog.tenants[tenant].placement
    if entry.move is None or entry.target is None:
        if same(entry.placement, declared):
            return None
        name = names.fit(f"{tenant}-{entry.revision + 1}", MOVE_LIMIT)
        return Plan(tenant, name, entry.placement, declared, False)
    plan = under_way(entry)
    if plan.closing or plan.parting:
        return plan
    if not same(plan.target, declared) and not same(plan.source, declared):
        raise RefusedError(
            f"{plan.described} is under way as {plan.move}, and {key(declared)} is declared now",
            remedy=f"end that move first: `patchworks tenant finish {tenant}`, or "
            f"`patchworks tenant rollback {tenant}`",
        )
    return plan


def under_way(entry: Entry) -> Plan:
    """The move that an entry of the ledger tells of; raises `RefusedError` where there is none."""
    if entry.move is None or entry.target is None:
        raise RefusedError(
            f"{entry.tenant} is in no move",
            remedy=f"`patchworks tenant move {entry.tenant}` begins one",
        )
    flipped = same(entry.placement, entry.target)
    # What is kept is the side that does not serve.
    source = entry.keeps if flipped and entry.keeps is not None else entry.placement
    closing = flipped and not entry.keeps
    return Plan(entry.tenant, entry.move, source, entry.target, True, closing, entry.parting)
