"""What carrying something in the pause costs, told before the pause."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """An estimate; its factors were measured on two cores, both servers on one machine."""

    seconds: float
    bytes: int
    count: int


NONE = Cost(0.0, 0, 0)
