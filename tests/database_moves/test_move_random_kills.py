"""Movers killed at moments that nobody chose, under writers: nothing is lost or left behind."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest
from catalogs import MADE_BY_MOVES, listing

if TYPE_CHECKING:
    from collections.abc import Callable

    from move_journey import Journey

pytestmark = pytest.mark.needs_pgbouncer

SEEDS = range(40) if os.environ.get("PATCHWORKS_NIGHTLY") else range(1)
KILLS = 3
"""Of each command."""

LONGEST_SECONDS = 8.0


def killed_a_few_times(journey: Journey, chance: random.Random, *command: str) -> None:
    """Run a command until it ends well, killed at random moments before."""
    given = ("database", command[0], journey.name, *journey.pooling, *command[1:])
    for _ in range(KILLS):
        with journey.mover.start(*given) as running:
            until = time.monotonic() + chance.uniform(0.1, LONGEST_SECONDS)
            while running.running and time.monotonic() < until:
                time.sleep(0.01)
            running.kill()
            ended = running.wait(60)
        assert ended.killed or ended.code == 0, (command, ended.stdout, ended.stderr)
        journey.serving()
        journey.workload.wait_for_writes(1)
        if not ended.killed:
            return
    last = journey.mover.run(*given)
    assert last.code == 0, (command, last.stdout, last.stderr)


@pytest.mark.parametrize("seed", SEEDS)
def test_kills_at_random_moments_lose_nothing_and_leave_nothing(
    make_journey: Callable[[int, int], Journey], seed: int
) -> None:
    chance = random.Random(seed)
    journey = make_journey(*chance.choice([(16, 18), (16, 18), (18, 16)]))
    journey.workload.start()

    killed_a_few_times(journey, chance, "move", "--allow-older-target")
    assert journey.status()["phase"] == "soak"
    if chance.random() < 0.5:
        killed_a_few_times(journey, chance, "rollback")
        assert journey.serving() is journey.source
    serving = journey.serving()
    journey.workload.wait_for_writes(5)
    ended = journey.command("finish")
    assert ended.code == 0, ended.stderr

    assert journey.serving() is serving
    for made in (journey.source, journey.target):
        found = listing(made)
        assert {name: found[name] for name in MADE_BY_MOVES} == {key: [] for key in MADE_BY_MOVES}
    assert journey.account_at(serving).pooler_errors == ()
