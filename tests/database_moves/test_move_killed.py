"""A mover that is killed anywhere: the next run completes the move, and nothing is lost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from conftest import OWNER, OWNER_PASSWORD
from move_journey import Journey, points

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Made

pytestmark = pytest.mark.needs_pgbouncer

# Reached only by what a move of these tables does not have, or by ways out of it.
ELSEWHERE = {"stream.subscription-removed"}

ALONE = [p for p in points() if p not in ELSEWHERE]
"""Every place, each in a move of its own: hours of a small machine, so by night only."""

BY_DAY = ("copy.part-done", "swap.fenced", "swap.decided")


@pytest.fixture
def journey(
    pair: tuple[Made, Made],
    make_pooler: Callable[..., Any],
    make_workload: Callable[..., Any],
    make_mover: Callable[..., Any],
) -> Journey:
    source, target = pair
    pooler = make_pooler({"app": source})
    workload = make_workload(
        pooled=[pooler.dsn("app", OWNER, OWNER_PASSWORD)] * 2,
        direct=[source.owner_dsn],
        pace=0.05,
    )
    workload.install(source.owner_dsn)
    made = Journey(source, target, pooler, workload, make_mover(source, target))
    made.fill()
    return made


@pytest.mark.parametrize("point", ALONE if os.environ.get("PATCHWORKS_NIGHTLY") else BY_DAY)
def test_a_killed_mover_goes_on_where_it_was(journey: Journey, point: str) -> None:
    journey.workload.start()
    journey.workload.wait_for_writes(20)

    killed = journey.move("--jobs", "2", kill_at=f"{point}!")
    assert killed.killed, (point, killed.code, killed.stdout, killed.stderr)
    journey.serving()
    journey.workload.wait_for_writes(5)
    again = journey.move("--jobs", "2")

    assert again.code == 0, again.stderr
    assert journey.status()["phase"] == "soak"
    assert journey.serving() is journey.target
    journey.workload.wait_for_writes(5)
    audit = journey.account()
    assert audit.pooler_errors == ()
