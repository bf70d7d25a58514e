"""One move that is killed once at every place there is, and its way back and its end too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from catalogs import MADE_BY_MOVES, listing
from move_journey import killed_once_at, lets_in, points

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from move_journey import Journey

pytestmark = pytest.mark.needs_pgbouncer

# Places on ways out that this move does not take: what gives it up, and what drops the old side.
ELSEWHERE = {point for point in points() if point.startswith("abort.")} | {"finish.dropped"}

# After commits that are made side by side: a kill at one of these may come between another's commit
# and its place, which nothing passes again then.
SIDE_BY_SIDE = {
    "copy.part-done",
    "indexes.batch-done",
    "indexes.one-built",
    "indexes.table-done",
}

MOST_KILLS = 90
"""Of one command: more than there are places."""


GUARDS = ("swap.settling", "swap.settled")
"""Where a guard comes by as well: it is killed there too, unless the file lists them before."""


def until_done(journey: Journey, verb: str, places: Path, *, guarded: bool = True) -> int:
    """Run a command until it is not killed any more; how often it was.

    What is not `guarded` may stand still until the next run settles it.
    """
    for kills in range(MOST_KILLS):
        before = places.read_text() if places.exists() else ""
        ended = (
            journey.move("--cutover", "manual", kill_at=f"@{places}")
            if verb == "move"
            else journey.command(verb, kill_at=f"@{places}")
        )
        if not ended.killed:
            assert ended.code == 0, (verb, before[-200:], ended.stdout, ended.stderr)
            return kills
        assert places.read_text() != before
        if guarded:
            # One side lets everybody in, and those who write go on there.
            journey.serving()
            journey.workload.wait_for_writes(1)
    raise AssertionError(f"{verb} was killed {MOST_KILLS} times")


def test_a_move_that_is_killed_at_every_place_in_turn_loses_nothing_and_leaves_nothing(
    make_journey: Callable[[int, int], Journey], tmp_path: Path
) -> None:
    journey = make_journey(16, 18)
    journey.workload.start()
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_text("".join(f"{place}\n" for place in GUARDS))

    assert until_done(journey, "move", there) > 10
    assert journey.status()["phase"] == "ready"
    # A guard completes a swap that was decided, past places that the next swap comes to.
    for _ in range(3):
        until_done(journey, "cutover", there)
        assert journey.status()["phase"] == "soak"
        assert journey.serving() is journey.target
        until_done(journey, "rollback", back, guarded=False)
        assert journey.status()["phase"] == "rolled-back"
        assert journey.serving() is journey.source
    until_done(journey, "cutover", there)
    until_done(journey, "finish", there)

    reached = set(there.read_text().splitlines())
    slipped_by = set(points()) - ELSEWHERE - reached
    assert sorted(slipped_by - SIDE_BY_SIDE) == []
    swap = {point for point in points() if point.startswith("swap.")}
    assert sorted((swap | set(GUARDS)) - set(back.read_text().splitlines())) == []
    assert not lets_in(journey.source)
    for made in (journey.source, journey.target):
        found = listing(made)
        assert {name: found[name] for name in MADE_BY_MOVES} == {key: [] for key in MADE_BY_MOVES}
        assert "patchworks_moves" not in found["schemas"]
    assert journey.account_at(journey.target).pooler_errors == ()
    for number, place in enumerate(sorted(slipped_by), start=2):
        other = make_journey(16, 18)
        # Records of moves outlive them, and hold their names.
        other.name = f"{journey.name}-{number}"
        killed_once_at(other, place)
