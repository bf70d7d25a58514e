"""What a move begins before it is known to be needed is used, and ends with it either way."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from database_moves import ahead
from database_moves.context import Context, StoppedError
from database_moves.copying.crew import Spares
from database_moves.lease import Lease
from database_moves.options import MoveOptions

if TYPE_CHECKING:
    from database_moves.progress import Step
    from tests.database_moves.conftest import Made


@pytest.fixture
def context(pair: tuple[Made, Made], tmp_path: Path) -> Context:
    source, target = pair
    return Context(
        move="early",
        source=source.as_database("source"),
        target=target.as_database("target"),
        options=MoveOptions(jobs=2),
        directory=tmp_path / "early",
    )


def children() -> set[str]:
    pid = os.getpid()
    found: set[str] = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found |= set((thread / "children").read_text().split())
    return found


def test_a_new_move_is_looked_at_at_once_and_leaves_no_process(context: Context) -> None:
    before = children()
    with ahead.begun(context):
        assert context.ahead is not None
        taken = context.ahead.spares.take()
        assert children() - before
        assert context.ahead.report().verdicts
        taken.kill()
        taken.wait()
    assert not children() - before


def test_a_move_that_ends_early_is_not_reported_on_any_more(context: Context) -> None:
    going_on, reported = threading.Event(), threading.Event()

    def report(step: Step) -> None:
        assert not going_on.is_set()
        reported.set()

    context.report = report
    with ahead.begun(context):
        assert context.ahead is not None
        looked = context.ahead
        reported.wait()
    going_on.set()
    with pytest.raises(StoppedError):
        looked.report()


def test_a_move_that_this_machine_has_begun_is_not_looked_at(context: Context) -> None:
    context.directory.mkdir()
    with ahead.begun(context):
        assert context.ahead is None


def test_what_was_found_before_another_mover_ended_is_found_anew(context: Context) -> None:
    with ahead.begun(context):
        assert context.ahead is not None
        first = context.ahead.report()
        with context.target.session("test") as connection:
            connection.execute("CREATE TABLE public.left_behind (id int)")
        assert first is context.ahead.report()
        context.ahead.look_again()
        refused = [verdict.check for verdict in context.ahead.report().at("refused")]
    assert "target.empty" in refused


def test_a_lease_says_that_another_mover_had_it(context: Context) -> None:
    databases = [context.source, context.target]
    mine, theirs = Lease(databases, "mine"), Lease(databases, "theirs")
    theirs.keep()
    waiting = threading.Thread(target=mine.keep)
    waiting.start()
    waiting.join(1)
    theirs.close()
    waiting.join()
    mine.close()
    assert mine.waited
    assert not theirs.waited


def test_a_spare_that_died_is_not_taken() -> None:
    before = children()
    spares = Spares()
    spares.start(1)
    (dead,) = children() - before
    os.kill(int(dead), signal.SIGKILL)
    os.waitid(os.P_PID, int(dead), os.WEXITED | os.WNOWAIT)
    taken = spares.take()
    assert taken.pid != int(dead)
    assert taken.poll() is None
    taken.kill()
    taken.wait()
    assert not children() - before
