"""Builds of indexes keep as many processors busy as there are jobs."""

from __future__ import annotations

import pytest

from database_moves.schema.indexes import lent


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
