"""What every part of a delivery works with: one commit, its catalog, the engine and the records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from delivery.inputs import Inputs, is_current
from delivery.records import Attempt, Delivered, Progress, Reached
from delivery.waves import cell_of, stacks_by_wave

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from catalog.catalog import Catalog, Ledger
    from delivery.checklist import Checklist
    from delivery.engine import Engine
    from delivery.records import Wave
    from delivery.table import DeliveryRecords
    from planning.commits import Repository


class Observer(Protocol):
    """Is told how a delivery goes on."""

    def says(self, text: str) -> None:
        """Something that a reader of the log should know."""

    def stack_begins(self, stack: str) -> None:
        """A stack is about to be brought up."""

    def stack_ends(self, stack: str, seconds: float, changes: Mapping[str, int]) -> None:
        """A stack has been brought up."""

    def stack_fails(self, stack: str, problem: str) -> None:
        """A stack could not be brought up."""


@dataclass
class Desk:
    """One commit on its way."""

    root: Path
    repository: Repository
    commit: str
    catalog: Catalog
    checklist: Checklist
    engine: Engine
    records: DeliveryRecords
    holder: str
    """Who this run is; jobs of one run share it."""
    observer: Observer
    told: Mapping[str, str] = field(default_factory=dict)
    """What automated checks are told beside commit, wave and engine."""
    ledger: Ledger = field(init=False)
    inputs: Inputs = field(init=False)
    waves: Mapping[Wave, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = self.engine.ledger()
        self.inputs = Inputs(self.repository, self.commit, self.catalog, self.ledger)
        self.waves = stacks_by_wave(self.catalog, self.checklist, self.ledger)

    def delivered(self) -> dict[str, Delivered]:
        """Every stack as it was brought up last, by name."""
        return self.records.all(Delivered, "stacks")

    def attempts(self) -> dict[str, Attempt]:
        """What came of each stack in this delivery so far."""
        return self.records.all(Attempt, self.commit, "stack#")

    def progress(self) -> Progress:
        """How far this commit has come."""
        found = self.records.read(Progress, self.commit, "delivery").document
        return found or Progress(commit=self.commit)

    def note(self, changed: Callable[[Progress], Progress]) -> Progress:
        """Change how far this commit has come."""
        return self.records.change(
            Progress,
            self.commit,
            "delivery",
            lambda known: changed(known or Progress(commit=self.commit)),
        )

    def reached(self, environment: str) -> Reached | None:
        """The commit that an environment got last."""
        return self.records.read(Reached, "environments", environment).document

    def affected(self, wave: Wave, delivered: Mapping[str, Delivered]) -> list[str]:
        """The stacks of a wave that are not as this commit has them.

        A stack also counts that only refers to one that counts: whether it changes is known when
        the other's new exports are.
        """
        found: list[str] = []
        for stack in self.waves[wave]:
            waits = any(other in found for other in self.inputs.references(stack))
            if waits or not is_current(stack, self.inputs, delivered):
                found.append(stack)
        return found

    def cell_of(self, stack: str) -> str | None:
        """The cell whose runners bring a stack up."""
        return cell_of(self.catalog, self.ledger, stack)
