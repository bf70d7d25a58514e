"""Begins what a new move needs first while the slower half of the program is still being loaded."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING

from database_moves.beside import beside
from database_moves.context import StoppedError
from database_moves.copying.crew import Spares
from database_moves.preflight import preflight
from database_moves.schema import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.context import Context
    from database_moves.preflight import Report
    from database_moves.progress import Progress, Step
    from database_moves.schema.reading import Read

CLOSE_SECONDS = 3.0
"""How long the end waits for a pg_dump that was told to end."""


class Ahead:
    """A preflight and a reading of the schema under way, and processes that wait to copy."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reporting = threading.Lock()
        self._closed = threading.Event()
        self._looked: Future[Report] = Future()
        self._directory = tempfile.TemporaryDirectory(
            prefix="patchworks-schema-", ignore_cleanup_errors=True
        )
        self.spares = Spares()
        self.spares.start(context.options.jobs)
        threading.Thread(target=self._look, name="preflight", daemon=True).start()
        self.reading = beside(self._read_schema)
        self._read: Future[Read] | None = self.reading

    def report(self) -> Report:
        """What the preflight found, or the error that ended it."""
        return self._looked.result()

    def schema(self) -> Read | None:
        """The source's schema, once; None where it could not be read, or has to be read anew."""
        read, self._read = self._read, None
        if read is None or read.exception() is not None:
            return None
        return read.result()

    def look_again(self) -> None:
        """Forget what was found, and look anew when asked."""
        self._read = None
        self._looked = Future()
        self._look()

    def close(self) -> None:
        """End the processes that nobody took; from now on the preflight reports nothing.

        A thread that wrote to the terminal while Python ends would take the process down with it.
        """
        with self._reporting:
            self._closed.set()
        self.spares.close()
        # A pg_dump under way is not left behind.
        wait([self.reading], timeout=CLOSE_SECONDS)
        self._directory.cleanup()

    def _look(self) -> None:
        looked = self._looked
        try:
            looked.set_result(examine(self._context, self._report))
        except BaseException as error:
            looked.set_exception(error)

    def _report(self, step: Step) -> None:
        with self._reporting:
            if self._closed.is_set():
                raise StoppedError
            self._context.progress(step)

    def _read_schema(self) -> Read:
        context = self._context
        read = reading.read(
            context.source,
            context.target,
            Path(self._directory.name),
            context.options,
            stopped=lambda: self._closed.is_set() or context.stopping.is_set(),
        )
        assert read.archive.entries is not None, "parsed now, while there is time"
        return read


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
