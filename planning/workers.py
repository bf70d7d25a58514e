"""Processes that compare graphs and run the checks, while both sides evaluate the next ones."""

from __future__ import annotations

import multiprocessing
import zlib
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, Self

from planning import work
from planning.document import Fault, StackPlan
from planning.temporary import TemporaryDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path


ENDED = "the process that compared its graphs ended; with fewer jobs each has more memory"


_WAITING = 12
"""Graphs of stacks that wait for a worker; each stack's two have half a megabyte."""


class Workers:
    """A pool that is forked before there is any other thread; use it as a context manager."""

    def __init__(self, jobs: int, *, keeps_bodies: bool = False) -> None:
        self._keeps_bodies = keeps_bodies
        self._pool = ProcessPoolExecutor(
            jobs, multiprocessing.get_context("fork"), initializer=work.ready
        )
        # All are forked at the first task: now, while this process has no other thread.
        self._pool.submit(int).result()
        self._room = BoundedSemaphore(jobs + _WAITING)
        self._asked: dict[str, Future[StackPlan]] = {}
        self._directory = TemporaryDirectory()
        self._organization: Path | None = None
        self.bodies: dict[str, tuple[bytes | None, bytes | None]] = {}
        """Where they are to be kept, the graphs of all that was asked, compressed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._directory.close()

    def ask(self, stack: str, base: bytes | None, head: bytes | None, marker: str) -> None:
        """Have a stack's graphs compared and judged, as soon as there is room for them."""
        if stack == work.ORGANIZATION and head is not None:
            self.know_organization(head)
        if self._keeps_bodies:
            self.bodies[stack] = _packed(base), _packed(head)
        self._submit(stack, work.plan_of, stack, base, head, marker, self._organization)

    def ask_rights(self, stack: str, head: bytes, marker: str) -> None:
        """Have a stack that stays as it is judged by the head's roles."""
        self._submit(stack, work.rights_of, stack, head, marker, self._organization)

    def _submit(self, stack: str, function: Callable[..., StackPlan], *arguments: Any) -> None:
        self._room.acquire()
        asked = self._pool.submit(function, *arguments)
        asked.add_done_callback(lambda _: self._room.release())
        self._asked[stack] = asked

    @property
    def knows_organization(self) -> bool:
        """Whether the graph that has the deploy roles is there."""
        return self._organization is not None

    def know_organization(self, head: bytes) -> None:
        """Take the head's graph of the organization, by whose roles stacks are deployed."""
        self._organization = self._directory.path / "organization"
        self._organization.write_bytes(head)

    def answers(self) -> Iterator[tuple[str, StackPlan]]:
        """What became of all that was asked."""
        asked, self._asked = self._asked, {}
        for stack, future in asked.items():
            try:
                yield stack, future.result()
            except BrokenProcessPool:
                fault = Fault(problem=ENDED, stack=stack)
                yield stack, StackPlan(stack=stack, status="changed", faults=(fault,))


def _packed(body: bytes | None) -> bytes | None:
    return zlib.compress(body, 1) if body is not None else None
