"""Who serves, read from the gates: they say so also while no mover runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from database_moves.context import other

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from database_moves.state import Side

_SIDES: tuple[Side, Side] = ("source", "target")


class Serving(NamedTuple):
    """The side that serves, None while writes wait, and where that was read."""

    side: Side | None
    read_from: Literal["gates", "store"]
    note: str = ""


def serving(gates: Mapping[Side, str | None], stored: Side) -> Serving:
    """Who serves.

    `gates` holds the gates of the sides that answer; None is a side without one. `stored` is the
    side that the mover noted last, which counts where the gates do not tell.
    """
    for side in _SIDES:
        state, others = gates.get(side), gates.get(other(side))
        if state == "open":
            return Serving(side, "gates")
        if state == "fenced":
            return Serving(None, "gates", f"writes wait: the {side} is fenced for a swap")
        if state == "handed-over" and others == "closed":
            note = f"writes wait: the {side} has handed over, and the {other(side)} is about to let"
            return Serving(None, "gates", f"{note} clients in")
    closed = [side for side in _SIDES if gates.get(side) in ("closed", "handed-over")]
    if len(closed) == 1 and other(closed[0]) == stored:
        why = "has no gate" if other(closed[0]) in gates else "was not heard"
        return Serving(stored, "store", f"the {closed[0]} lets nobody in, the {stored} {why}")
    return Serving(stored, "store")
