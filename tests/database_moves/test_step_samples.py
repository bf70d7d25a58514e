"""What is measured while a step runs is never later than the step's own end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from dbos import DBOS

from database_moves.context import Context
from database_moves.database import Database
from database_moves.options import MoveOptions
from database_moves.steps import recording

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from database_moves.state import Sample


class Slow(recording.Recording):
    """Takes its time to measure, as where servers take theirs to answer."""

    measuring = threading.Event()
    going_on = threading.Event()

    def sample(self) -> Sample:
        self.measuring.set()
        assert self.going_on.wait(60)
        return super().sample()


def test_a_sample_that_was_begun_before_a_step_ended_is_not_written_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    monkeypatch.setattr(recording, "SECONDS", 0.0)
    monkeypatch.setattr(DBOS, "write_stream", lambda _, sample: written.append(sample))
    sides = Database("host=none", "source"), Database("host=none", "target")
    slow = Slow(Context("orders", *sides, MoveOptions(), tmp_path), "verify", "verify", None)
    thread = threading.Thread(target=slow.write_samples)
    thread.start()
    assert slow.measuring.wait(60)
    slow.output("all rows agree")
    slow.going_on.set()
    thread.join(60)
    assert written == []
