"""Sessions that a fence outlasts: ended, waited for, or named where the mover may not end them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from database_moves.cutover import sessions
from database_moves.errors import RefusedError

if TYPE_CHECKING:
    from made import Made


def test_a_superusers_session_that_is_on_its_way_out_is_waited_for(
    pair: tuple[Made, Made],
) -> None:
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
            left = sessions.strangers(mover)
        assert f"process {staying.info.backend_pid} of" in refused.value.message
        assert f"process {application.info.backend_pid} of" not in refused.value.message
        assert [one.pid for one in left] == [staying.info.backend_pid]
        with pytest.raises(psycopg.OperationalError):
            application.execute("SELECT")
        assert staying.execute("SELECT 1").fetchone() == (1,)
