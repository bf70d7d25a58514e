"""Builds of indexes keep as many processors busy as there are jobs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from database_moves.schema.indexes import lent, spared

if TYPE_CHECKING:
    from made import Made


@pytest.mark.parametrize(
    ("builds", "jobs", "workers"),
    [
        (1, 1, [0]),
        (1, 4, [3]),
        (3, 2, [0, 0, 1]),
        (4, 2, [0, 0, 0, 0]),
        (3, 4, [1, 1, 1]),
        (0, 4, []),
    ],
)
def test_the_last_builds_get_the_processors_that_no_build_is_left_for(
    builds: int, jobs: int, workers: list[int]
) -> None:
    assert lent(builds, jobs) == workers


def test_a_build_under_way_keeps_its_processor(pair: tuple[Made, Made]) -> None:
    target = pair[1].as_database("target")
    with target.session("look") as connection, target.session("build") as other:
        connection.execute(
            "CREATE TABLE public.slow (id int);"
            "INSERT INTO public.slow SELECT generate_series(1, 10);"
            "CREATE FUNCTION public.waits(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
            " 'BEGIN PERFORM pg_advisory_lock(7); RETURN $1; END';"
            "SELECT pg_advisory_lock(7)"
        )
        assert spared(connection, 3) == 2
        building = threading.Thread(
            target=other.execute, args=("CREATE INDEX ON public.slow (public.waits(id))",)
        )
        building.start()
        try:
            until = time.monotonic() + 60
            while spared(connection, 3) == 2 and time.monotonic() < until:
                time.sleep(0.05)
            assert spared(connection, 3) == 1
            assert spared(connection, 1) == 0
        finally:
            connection.execute("SELECT pg_advisory_unlock_all()")
            building.join()
        assert spared(connection, 3) == 2
