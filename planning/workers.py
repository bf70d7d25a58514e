"""Processes that compare graphs and run the checks, while both sides evaluate the next ones."""

from __future__ import annotations

import multiprocessing
import tempfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Self

from planning import work
from planning.document import Fault, StackPlan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future


class Workers:
    """A pool that is forked before anything else runs; use it as a context manager."""

    def __init__(self, jobs: int) -> None:
        self._pool = ProcessPoolExecutor(
            jobs, multiprocessing.get_context("fork"), initializer=work.ready
        )
        # All are forked at the first task: now, while this process has no other thread.
        self._pool.submit(int).result()
        self._asked: dict[str, Future[StackPlan]] = {}
        self._directory = tempfile.TemporaryDirectory(prefix="patchworks-plan-")
        self._organization: Path | None = None
        self.bodies: dict[str, tuple[bytes | None, bytes | None]] = {}
        """The graphs of all that was asked, compressed, for checks of many at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._directory.cleanup()

    def ask(self, stack: str, base: bytes | None, head: bytes | None, marker: str) -> None:
        """Have a stack's graphs compared and judged."""
        if stack == work.ORGANIZATION and head is not None:
            self._organization = Path(self._directory.name) / "organization"
            self._organization.write_bytes(head)
        self.bodies[stack] = _packed(base), _packed(head)
        self._asked[stack] = self._pool.submit(
            work.plan_of, stack, base, head, marker, self._organization
        )

    def answers(self) -> Iterator[tuple[str, StackPlan]]:
        """What became of all that was asked."""
        asked, self._asked = self._asked, {}
        for stack, future in asked.items():
            try:
                yield stack, future.result()
            except BrokenProcessPool:
                problem = "the process that compared its graphs ended; with fewer jobs each has \
more memory"
                yield (
                    stack,
                    StackPlan(
                        stack=stack, status="changed", faults=(Fault(problem=problem, stack=stack),)
                    ),
                )


def _packed(body: bytes | None) -> bytes | None:
    return zlib.compress(body, 1) if body is not None else None
