"""What applying a stack has done, resource by resource."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver
    from rehearsal.graph import Graph

Operation = Literal["create", "import", "update", "replace", "delete", "retain", "same", "keep"]
"""`import` takes over what is in the cloud already; `retain` lets go of a resource and leaves it
there; `keep` holds on to a protected one."""


@dataclass(frozen=True, slots=True)
class Event:
    """One resource has been dealt with."""

    operation: Operation
    urn: str
    type: str
    name: str
    seconds: float
    fidelity: str
    """`real`, `validated` (checked against its schema, not run) or `simulated`."""
    changed: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What applying a stack has done."""

    stack: str
    graph: Graph | None
    events: tuple[Event, ...]
    seconds: float

    def counts(self) -> Counter[str]:
        """How many resources each operation was done to."""
        return Counter(event.operation for event in self.events)

    def simulated(self) -> int:
        """How many resources no driver makes."""
        return sum(event.fidelity == "simulated" for event in self.events)


def fidelity(driver: Driver | None) -> str:
    """How real what a driver makes is; no driver at all is `simulated`."""
    return "simulated" if driver is None else getattr(driver, "fidelity", "real")
