"""Begins what a new move needs first while the slower half of the program is still being loaded."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from database_moves.context import StoppedError
from database_moves.copying.crew import Spares
from database_moves.preflight import preflight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.context import Context
    from database_moves.preflight import Report
    from database_moves.progress import Progress, Step


class Ahead:
    """A preflight under way, and worker processes that wait for something to copy."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reporting = threading.Lock()
        self._closed = False
        self._looked: Future[Report] = Future()
        self.spares = Spares()
        self.spares.start(context.options.jobs)
        threading.Thread(target=self._look, name="preflight", daemon=True).start()

    def report(self) -> Report:
        """What the preflight found, or the error that ended it."""
        return self._looked.result()

    def look_again(self) -> None:
        """Forget what the preflight found, and look anew when asked."""
        self._looked = Future()
        self._look()

    def close(self) -> None:
        """End the processes that nobody took; from now on the preflight reports nothing.

        A thread that wrote to the terminal while Python ends would take the process down with it.
        """
        with self._reporting:
            self._closed = True
        self.spares.close()

    def _look(self) -> None:
        looked = self._looked
        try:
            looked.set_result(examine(self._context, self._report))
        except BaseException as error:
            looked.set_exception(error)

    def _report(self, step: Step) -> None:
        with self._reporting:
            if self._closed:
                raise StoppedError
            self._context.progress(step)


def examine(context: Context, progress: Progress) -> Report:
    """The preflight of a move."""
    return preflight(
        context.source,
        context.target,
        context.options,
        poolers=context.poolers,
        progress=progress,
    )


@contextlib.contextmanager
def begun(context: Context) -> Iterator[None]:
    """Have `context.ahead` for a move that looks new; one that this machine has begun has none."""
    if context.directory.exists():
        yield
        return
    with contextlib.closing(Ahead(context)) as context.ahead:
        yield
