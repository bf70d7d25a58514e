"""The two states of a plan while they are evaluated: what each has, and what went wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from planning import document
from planning.document import Fault, Place
from planning.evaluation_process import NotEvaluatedError
from planning.sides import CatalogFaultsError, Keys, Side

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from planning.commits import Files
    from planning.sides import Digest, Evaluated, Loaded

TIMEOUT = 900.0
"""Seconds after which a side that has not ended is ended."""
_AHEAD = 8
"""Graphs that a side may be ahead of the other; each has some hundred thousand bytes."""


@dataclass
class State:
    """One side, with what is known of it so far."""

    side: Side
    loaded: Loaded | None = None
    digests: Mapping[str, Digest] = field(default_factory=dict)
    errors: list[Fault] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    """Stacks that could not be evaluated."""

    def load(self) -> None:
        """Start the side and load its catalog; what goes wrong is an error of the state."""
        try:
            self.loaded = self.side.load()
        except CatalogFaultsError as found:
            self.errors += [_catalog_fault(each) for each in found.faults]
        except NotEvaluatedError as error:
            self.errors.append(_fault(error))

    def digest(self, ledger: Mapping[str, Any], environment: str) -> None:
        """Find out what each stack depends on."""
        if self.loaded is None:
            return
        try:
            self.digests = self.side.digests(ledger, environment)
        except NotEvaluatedError as error:
            self.errors.append(_fault(error))
            self.loaded = None

    def described(self) -> document.Side:
        """What a plan says of the side."""
        return document.Side(
            name=self.side.files.name,
            commit=self.side.files.commit,
            stacks=len(self.loaded.stacks) if self.loaded is not None else 0,
            errors=tuple(dict.fromkeys(self.errors)),
            held=self.side.holds,
        )


class States:
    """Both sides, run at the same time; use it as a context manager."""

    def __init__(self, base: Files, head: Files) -> None:
        self.keys = Keys()
        self.base = State(Side(base, self.keys, timeout=TIMEOUT))
        self.head = State(Side(head, self.keys, timeout=TIMEOUT))
        # A side ends with the thread that started it, so these last as long as the sides.
        self._threads = ThreadPoolExecutor(2)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.callback(self._threads.shutdown)
        self._stack.enter_context(self.base.side)
        self._stack.enter_context(self.head.side)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the sides' processes: one for both, where they have the same programs."""
        base, head = self.base.side, self.head.side
        if not base.code.missing and not head.code.missing and base.code.is_same_as(head.code):
            base.start(head)
            return
        for side in (base, head):
            if not side.code.missing:
                side.start()

    def load(self, environment: str) -> None:
        """Load both catalogs and digest their stacks.

        Without credentials nobody knows what the ledger says: a tenant is taken to be served where
        the base declares it, so that a changed placement shows as the slice that it adds.
        """
        both = (self.base, self.head)
        list(self._threads.map(State.load, both))
        loaded = self.base.loaded or self.head.loaded
        if loaded is not None:
            ledger = dict(loaded.placements)
            list(self._threads.map(lambda state: state.digest(ledger, environment), both))

    def evaluate(
        self, stacks: Sequence[str], base: Collection[str], head: Collection[str], jobs: int
    ) -> Iterator[tuple[str, Evaluated | None, Evaluated | None]]:
        """The graphs of stacks, of each as soon as both sides that have it are done with it.

        `base` and `head` say which side has which.
        """
        sides = [
            (_Reading(state, [stack for stack in stacks if stack in there], jobs), there)
            for state, there in ((self.base, base), (self.head, head))
        ]
        for stack in stacks:
            one, other = (
                reading.next(stack) if stack in there else None for reading, there in sides
            )
            yield stack, one, other
        # What is asked next must not be answered to a thread that still waits for its last line.
        for reading, _ in sides:
            reading.end()


class _Reading:
    """Reads a side's graphs in a thread of its own, some ahead."""

    def __init__(self, state: State, stacks: Sequence[str], jobs: int) -> None:
        self._state = state
        self._queue: Queue[Evaluated | None] = Queue(_AHEAD)
        self._ended = False
        Thread(target=self._run, args=(stacks, jobs), daemon=True).start()

    def end(self) -> None:
        """Wait until the side has answered all that it was asked."""
        while not self._ended:
            self._ended = self._queue.get() is None

    def next(self, stack: str) -> Evaluated | None:
        """The next stack's; None where the side broke before it."""
        found = None if self._ended else self._queue.get()
        if found is None:
            self._ended = True
            self._state.failed.add(stack)
            return None
        if found.error is not None:
            self._state.failed.add(stack)
            error = found.error
            self._state.errors.append(
                Fault(
                    problem=f"{stack}: {error.get('problem', '')}",
                    stack=stack,
                    place=place(str(error.get("place", ""))),
                    remedy=str(error.get("remedy", "")),
                )
            )
        return found

    def _run(self, stacks: Sequence[str], jobs: int) -> None:
        try:
            for each in self._state.side.evaluate(stacks, jobs):
                self._queue.put(each)
        except NotEvaluatedError as error:
            self._state.errors.append(_fault(error))
        except Exception as error:
            self._state.errors.append(Fault(problem=f"the side's process: {error!r}"))
        finally:
            self._queue.put(None)


def place(text: str) -> Place | None:
    """A place out of `file:line`."""
    file, _, line = text.rpartition(":")
    return Place(file=file, line=int(line)) if file and line.isdigit() and int(line) else None


def _fault(error: NotEvaluatedError) -> Fault:
    return Fault(problem=error.problem, place=place(error.place), remedy=error.remedy)


def _catalog_fault(given: Mapping[str, Any]) -> Fault:
    line = given.get("line")
    where = f"{given['key']}: " if given.get("key") else ""
    allowed = f"; allowed: {given['allowed']}" if given.get("allowed") else ""
    return Fault(
        problem=f"{where}{given.get('problem', given.get('message', ''))}",
        place=Place(
            file=str(given.get("file")), line=line if isinstance(line, int) and line > 0 else 1
        ),
        remedy=f"{given.get('remedy') or 'mend it'}{allowed}",
    )
