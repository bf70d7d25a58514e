"""Sessions that a fence outlasts: ended, waited for, or named where the mover may not end them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from database_moves.cutover import attempt, sessions
from database_moves.cutover.swap import Swap
from database_moves.errors import RefusedError
from database_moves.replication.stream import Stream

if TYPE_CHECKING:
    from made import Made


def test_a_superusers_session_that_is_on_its_way_out_is_waited_for(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A moment, however long one is on this machine.
    monkeypatch.setattr(sessions, "_LEAVING_SECONDS", 60.0)
    source, _ = pair
    application, leaving = source.owner(), source.superuser()
    leaver = threading.Timer(0.3, leaving.close)
    with source.as_database("source").session("swap 1") as mover:
        leaver.start()
        sessions.end(mover, time.monotonic() + 60, cancel=True)
        assert leaving.closed
        assert sessions.strangers(mover) == []
    leaver.join()
    with pytest.raises(psycopg.OperationalError):
        application.execute("SELECT")
    application.close()


def test_a_superusers_session_that_stays_is_named_and_all_others_are_ended(
    pair: tuple[Made, Made],
) -> None:
    source, _ = pair
    with source.superuser() as staying, source.owner() as application:
        with source.as_database("source").session("swap 1") as mover:
            with pytest.raises(RefusedError) as refused:
                sessions.end(mover, time.monotonic() + 1, cancel=True)
            deadline = time.monotonic() + 60
            while len(left := sessions.strangers(mover)) > 1 and time.monotonic() < deadline:
                time.sleep(0.05)
        assert f"process {staying.info.backend_pid} of" in refused.value.message
        assert f"process {application.info.backend_pid} of" not in refused.value.message
        assert [one.pid for one in left] == [staying.info.backend_pid]
        with pytest.raises(psycopg.OperationalError):
            application.execute("SELECT")
        assert staying.execute("SELECT 1").fetchone() == (1,)


def test_the_turn_of_a_process_that_has_just_ended_is_waited_for(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair[0].as_database("source"), pair[1].as_database("target")
    swap = Swap("orders", Stream("orders", source, target), None, (), None, 5.0, 1.0, False)
    other = source.connect("swap 1")
    other.execute("SELECT pg_advisory_lock(%s)", (attempt.TURN_KEY,))
    began = attempt.Attempt(swap)
    with monkeypatch.context() as patch:
        patch.setattr(attempt, "TURN_SECONDS", 0.1)
        with pytest.raises(RefusedError, match="is being settled"):
            began.begin(2)
    began.close()
    leaving = threading.Timer(0.7, other.close)
    leaving.start()
    began.begin(2)
    began.close()
    leaving.join()
