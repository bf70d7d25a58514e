"""The control schema: made once, by whoever comes first, for the mover's eyes only."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psycopg
import pytest

from database_moves import control

if TYPE_CHECKING:
    from collections.abc import Callable

    from made import Made


@pytest.mark.parametrize("major", [16, 18])
def test_many_movers_make_one_control_schema(
    make_database: Callable[[int], Made], major: int
) -> None:
    made = make_database(major)
    faults: list[Exception] = []
    together = threading.Barrier(6)

    def ensure() -> None:
        try:
            with made.as_database("source").session("test") as connection:
                together.wait(30)
                control.ensure(connection)
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=ensure) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    with made.as_database("source").session("test") as connection:
        gate = connection.execute("SELECT state, epoch FROM patchworks_moves.gate").fetchall()
        markers = connection.execute("SELECT side, n FROM patchworks_moves.marker").fetchall()
    assert gate == [("open", 0)]
    assert sorted(markers) == [("source", 0), ("target", 0)]


def test_what_the_schema_says_is_kept_when_it_is_ensured_again(
    make_database: Callable[[int], Made],
) -> None:
    made = make_database(16)
    with made.as_database("source").session("test") as connection:
        control.ensure(connection)
        connection.execute("UPDATE patchworks_moves.gate SET state = 'fenced', epoch = 7")
        control.ensure(connection)
        row = connection.execute("SELECT state, epoch FROM patchworks_moves.gate").fetchone()
    assert row == ("fenced", 7)


def test_the_applications_role_reads_nothing_of_the_move(
    make_database: Callable[[int], Made],
) -> None:
    made = make_database(16)
    with made.as_database("source").session("test") as connection:
        control.ensure(connection)
    with made.owner() as owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("SELECT state FROM patchworks_moves.gate")


def test_removing_leaves_nothing_and_may_be_repeated(
    make_database: Callable[[int], Made],
) -> None:
    made = make_database(18)
    with made.as_database("target").session("test") as connection:
        control.ensure(connection)
        assert control.exists(connection)
        control.remove(connection)
        assert not control.exists(connection)
        control.remove(connection)
