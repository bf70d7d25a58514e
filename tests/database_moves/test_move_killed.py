"""A mover that is killed anywhere: the next run completes the move, and nothing is lost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from move_journey import killed_once_at, points

if TYPE_CHECKING:
    from collections.abc import Callable

    from move_journey import Journey

pytestmark = pytest.mark.needs_pgbouncer

ALONE = [point for point in points() if not point.startswith(("abort.", "finish."))]
"""Every place, each in a move of its own: hours of a small machine, so by night only.

Those of the ways out are killed at where these are taken: `abort` in every phase, and `finish`.
"""

BY_DAY = ("swap.decided",)


@pytest.mark.parametrize("point", ALONE if os.environ.get("PATCHWORKS_NIGHTLY") else BY_DAY)
def test_a_killed_mover_goes_on_where_it_was(
    make_journey: Callable[[int, int], Journey], point: str
) -> None:
    killed_once_at(make_journey(16, 18), point)
