"""The proof of a wrong row never blames a correct follower, whatever happens in between."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_moves.verification import ranges
from database_moves.verification.proof import Answer, Attempt, Version, decide, hashes

ROUNDS = 60_000

VALUES = (None, 1, 2)
"""What a transaction leaves of the row: nothing, or one of two values, so that they come back."""


@dataclass
class Model:
    """One row: commits in WAL order, how many of them are visible, and applied by the follower."""

    random: random.Random
    commits: list[int | None] = field(default_factory=lambda: [None])
    visible: int = 1
    applied: int = 1

    def live(self) -> None:
        """Let anything happen, as often as drawn."""
        for step in self.random.choices(("commit", "show", "apply"), k=self.random.randrange(4)):
            if step == "commit" and self.visible == len(self.commits):
                # Who writes the row next waits for the one before to be visible.
                self.commits.append(self.random.choice(VALUES))
            elif step == "show":
                self.visible = len(self.commits)
            elif step == "apply" and self.applied < len(self.commits):
                self.applied += 1

    def on_serving(self) -> Answer:
        replaced = "0" if self.visible == len(self.commits) else "9"
        return self._answer(self.visible, replaced)

    def on_follower(self) -> Answer:
        return self._answer(self.applied, "0")

    def _answer(self, count: int, xmax: str) -> Answer:
        value = self.commits[count - 1]
        # The transaction that wrote the version; the follower's numbers are its own.
        return () if value is None else (Version(value, str(count), xmax, "", ()),)

    def apply_all(self, position: int) -> None:
        self.applied = max(self.applied, position)


def test_a_correct_follower_is_never_blamed() -> None:
    draw = random.Random(1)
    verdicts = Counter(decide(an_attempt(draw)) for _ in range(ROUNDS))
    assert set(verdicts) == {"agrees", "again"}


def an_attempt(draw: random.Random) -> Attempt:
    row = Model(draw)
    row.live()
    first = row.on_serving()
    row.live()
    position = len(row.commits)
    seen = {hashes(first)}
    row.live()
    if draw.random() < 0.5:
        seen.add(hashes(row.on_serving()))
    row.apply_all(position)
    row.live()
    follower = row.on_follower()
    in_wal = len(row.commits)
    row.live()
    horizon = draw.random() < 0.5
    if horizon:
        row.visible = max(row.visible, in_wal)
    row.live()
    second = row.on_serving()
    row.live()
    position = len(row.commits)
    row.live()
    row.apply_all(position)
    row.live()
    again = row.on_follower()
    return Attempt(frozenset(seen), first, follower, horizon, second, again)


def rows(*values: int, xmin: str = "5", xmax: str = "0") -> Answer:
    return tuple(Version(value, xmin, xmax, "", ()) for value in values)


def attempt(serving: Answer, follower: Answer, *, horizon: bool = True) -> Attempt:
    return Attempt(frozenset(), serving, follower, horizon, serving, follower)


@pytest.mark.parametrize(
    ("serving", "follower", "fault"),
    [
        (rows(1), (), "missing"),
        ((), rows(1), "extra"),
        (rows(1), rows(2), "differs"),
        (rows(1), rows(1, 1), "doubled"),
        (rows(1, 1), rows(1), "missing"),
        (rows(1), rows(1), "agrees"),
        (rows(1, 2), rows(1, 2), "agrees"),
    ],
)
def test_a_wrong_row_at_rest_is_proven_at_once(
    serving: Answer, follower: Answer, fault: str
) -> None:
    assert decide(attempt(serving, follower)) == fault


def test_a_row_that_a_running_transaction_may_have_replaced_proves_nothing() -> None:
    assert decide(attempt(rows(1, xmax="9"), rows(2), horizon=False)) == "again"
    assert decide(attempt(rows(1, xmax="9"), rows(2), horizon=True)) == "differs"
    assert decide(attempt((), rows(2), horizon=False)) == "again"


keys = st.lists(st.integers(-99, 99), unique=True).map(sorted)


@given(keys, st.lists(st.integers(-99, 99)))
def test_parts_of_a_range_hold_each_key_once(boundaries: list[int], present: list[int]) -> None:
    parts = list(ranges.split(ranges.ALL, [(str(key),) for key in boundaries]))
    assert parts[0].low is None
    assert parts[-1].high is None
    for key in present:
        assert sum(holds(part, key) for part in parts) == 1


def holds(part: ranges.KeyRange, key: int) -> bool:
    above = part.low is None or key >= int(part.low[0])
    return above and (part.high is None or key < int(part.high[0]))


@given(st.lists(st.integers(0, 50)), st.integers(1, 60), st.integers(1, 5))
def test_batches_keep_all_items_in_order_and_overflow_only_with_one(
    sizes: list[int], most: int, count: int
) -> None:
    groups = ranges.packed(sizes, float, most, count)
    assert [size for group in groups for size in group] == sizes
    assert all(len(group) <= count for group in groups)
    assert all(sum(group) <= most or len(group) == 1 for group in groups)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 100)), max_size=30))
def test_a_pace_stays_within_its_bounds_and_changes_gently(
    taken: list[tuple[int, float]],
) -> None:
    pace = ranges.Pace(100)
    for rows_read, seconds in taken:
        before = pace.rows
        pace.took(rows_read, seconds)
        assert ranges.FEWEST_ROWS <= pace.rows <= ranges.MOST_ROWS
        assert before / 2 - 1 <= pace.rows <= before * 2


def test_slow_ranges_become_smaller_and_quick_ones_larger() -> None:
    pace = ranges.Pace(1000)
    start = pace.rows
    pace.took(start, 5.0)
    assert pace.rows < start
    pace.took(pace.rows, 0.1)
    pace.took(pace.rows, 0.1)
    assert pace.rows > start
