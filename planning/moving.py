"""The tenants whose declared placement differs, handed to who knows what a move does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning import checks
from planning.document import Fault, Move, Place, Placement
from planning.evaluation_process import NotEvaluatedError

if TYPE_CHECKING:
    from planning.states import State


def moves_of(base: State, head: State) -> tuple[list[Move], list[Fault]]:
    """The moves that a change asks for, and why they are refused or could not be told."""
    if base.loaded is None or head.loaded is None:
        return [], []
    before, after = base.loaded.placements, head.loaded.placements
    moved = sorted(
        name for name in before.keys() & after.keys() if _place(before[name]) != _place(after[name])
    )
    if not moved:
        return [], []
    bare = [
        Move(tenant=name, before=_place(before[name]), after=_place(after[name])) for name in moved
    ]
    try:
        from catalog.catalog import Catalog

        one, other = (Catalog.model_validate_json(each.side.part(moved)) for each in (base, head))
        found = checks.moves(one, other)
    except (NotEvaluatedError, ValueError, LookupError) as error:
        lines = str(error).splitlines() or [""]
        return bare, [Fault(problem=f"what the moves are can't be told: {lines[0][:300]}")]
    told = {each.tenant for each in found}
    refused = [
        Fault(
            problem=f"the move from {each.before} to {each.after} is refused: {reason}",
            stack=f"tenant.{each.tenant}",
            place=Place(file=f"tenants/{each.tenant}.yaml", line=1),
            remedy="choose another placement, or mend what refuses it before",
        )
        for each in found
        for reason in each.refused
    ]
    return [*found, *(each for each in bare if each.tenant not in told)], refused


def _place(given: dict[str, object]) -> Placement:
    return Placement(cell=str(given["cell"]), database=str(given["database"]))
