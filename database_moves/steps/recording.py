"""Measures a step while it runs, and makes the record of it that is stored."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from typing import TYPE_CHECKING, Any

from dbos import DBOS

from database_moves.progress import Step
from database_moves.state import (
    FAILURES,
    SAMPLES,
    Failure,
    Phase,
    Sample,
    StepRecord,
    now,
    stored,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from database_moves.context import Context
    from database_moves.cutover.waits import Wait
    from database_moves.durable import Output
    from database_moves.replication.stream import Stream

SECONDS = 1.0
"""Between two samples, at first."""

THIN_AFTER = 600
"""Samples after which they become ten times rarer: a move of days stays readable."""


class Recording:
    """One step: what it reports meanwhile and what is kept of it."""

    def __init__(self, context: Context, phase: Phase, name: str, stream: Stream | None) -> None:
        self._context = context
        self._phase: Phase = phase
        self._name = name
        self._stream = stream
        self._latest = Step(name, 0, None, "")
        self._began = now()
        self._ended = threading.Event()

    def progress(self, step: Step) -> None:
        """Pass on a report, which the next sample shows."""
        self._latest = step
        self._context.progress(step)

    def output(
        self, note: str = "", figures: dict[str, float] | None = None, **more: Any
    ) -> Output:
        """What the step returns: its record, and whatever later steps need of it.

        No sample is written from here on: one that is later than the step's end would say that the
        step goes on.
        """
        self.end()
        record = StepRecord(
            name=self._name, began=self._began, ended=now(), note=note, figures=figures or {}
        )
        return {"record": stored(record), **more}

    def sample(self) -> Sample:
        """What can be measured at this moment."""
        step = self._latest
        lag: dict[str, Any] = {}
        if self._stream is not None:
            known = self._stream.health()
            lag = {
                "lag_bytes": known.lag_bytes,
                "lag_seconds": known.lag_seconds,
                "retained_bytes": known.retained_bytes,
            }
        return Sample(
            at=now(),
            phase=self._phase,
            step=self._name,
            done=step.done,
            total=step.total,
            unit=step.unit,
            detail=step.detail,
            **lag,
        )

    def write_samples(self) -> None:
        """Write samples until the step ends."""
        count = 0
        while not self._ended.wait(SECONDS if count < THIN_AFTER else 10 * SECONDS):
            # A sample that can't be taken or kept is no reason to stop a move.
            with contextlib.suppress(Exception):
                sample = self.sample()
                if not self._ended.is_set():
                    DBOS.write_stream(SAMPLES, stored(sample))
            count += 1

    def write_waits(self, waits: Iterable[Wait]) -> None:
        """Keep how long clients were seen to wait."""
        with contextlib.suppress(Exception):
            for at, seconds in waits:
                sample = Sample(at=at, phase=self._phase, step=self._name, wait_seconds=seconds)
                DBOS.write_stream(SAMPLES, stored(sample))

    def failed(self, error: BaseException) -> None:
        """Keep what a step failed with, for those who ask later."""
        failure = Failure(at=now(), step=self._name, text=(str(error).splitlines() or [""])[0])
        with contextlib.suppress(Exception):
            DBOS.write_stream(FAILURES, stored(failure))

    def end(self) -> None:
        """Write no more samples."""
        self._ended.set()


@contextlib.contextmanager
def recording(
    context: Context, phase: Phase, name: str, stream: Stream | None = None
) -> Iterator[Recording]:
    """Measure a step from here on; lag too, where a stream is given."""
    recorded = Recording(context, phase, name, stream)
    context.check()
    context.report(Step(name, 0, None, ""))
    # The thread writes as this step of this workflow.
    thread = threading.Thread(
        target=contextvars.copy_context().run, args=(recorded.write_samples,), daemon=True
    )
    thread.start()
    try:
        yield recorded
    except Exception as error:
        recorded.failed(error)
        raise
    finally:
        recorded.end()
        thread.join()


def wait(context: Context, seconds: float) -> None:
    """Sleep, and wake when the process is to stop."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        context.check()
        time.sleep(min(left, 0.1))
