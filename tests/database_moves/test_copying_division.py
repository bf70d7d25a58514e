"""A copy's arithmetic: every page in one part, every byte within the rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_moves.copying.parts import Measured, plan
from database_moves.copying.rate import BURST_SECONDS, Rate


def table(number: int, pages: int, size: int, columns: tuple[str, ...] = ("a",)) -> Measured:
    return Measured("public", f"t{number}", columns, True, pages, size, 1)


@st.composite
def tables(draw: st.DrawFn) -> list[Measured]:
    sizes = draw(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 10)), max_size=30))
    return [
        table(number, pages, pages * 8192 * (1 + toast))
        for number, (pages, toast) in enumerate(sizes)
    ]


@given(tables(), st.integers(1, 10**9), st.integers(1, 64))
def test_every_page_is_in_exactly_one_part(
    held: list[Measured], part_bytes: int, jobs: int
) -> None:
    found: dict[str, list[tuple[int, int | None]]] = {}
    for task in plan(held, part_bytes=part_bytes, jobs=jobs):
        for part in task:
            found.setdefault(part.table.name, []).append((part.first, part.end))
    assert set(found) == {each.name for each in held if each.pages}
    for ranges in found.values():
        ranges.sort(key=lambda pages: pages[0])
        assert ranges[0][0] == 0
        assert [end for _, end in ranges] == [first for first, _ in ranges[1:]] + [None]


def test_the_largest_tasks_come_first_and_toast_counts() -> None:
    plain = table(1, 10_000, 10_000 * 8192)
    toasted = table(2, 100, 900 * 1024**2)
    tasks = plan([plain, toasted], part_bytes=64 * 1024**2, jobs=2)
    assert tasks[0][0].table is toasted
    assert sum(1 for task in tasks if task[0].table is toasted) == 15
    sizes = [sum(part.bytes for part in task) for task in tasks]
    assert sizes == sorted(sizes, reverse=True)


def test_two_thousand_small_tables_are_few_transactions() -> None:
    tasks = plan([table(n, 1, 8192) for n in range(2000)], part_bytes=2**28, jobs=2)
    assert len(tasks) == 20


def test_rows_without_columns_are_never_divided() -> None:
    (task,) = plan([table(1, 10_000, 10_000 * 8192, ())], part_bytes=2**20, jobs=8)
    assert task[0].whole


@given(
    st.integers(1_000_000, 10**9),
    st.lists(st.tuples(st.integers(1, 300_000), st.floats(0, 0.5)), min_size=1, max_size=200),
)
def test_no_more_passes_than_the_rate_and_one_burst(
    limit: int, pieces: list[tuple[int, float]]
) -> None:
    now = 0.0
    rate = Rate(limit, now)
    passed: list[tuple[float, int]] = []
    for size, busy in pieces:
        now += busy
        passed.append((now, size))
        now += rate.take(size, now)
    for begin in range(0, len(passed), 7):
        window = now - passed[begin][0]
        total = sum(size for _, size in passed[begin:])
        assert total <= limit * (window + BURST_SECONDS) * 1.000001 + 1


def test_a_rate_without_limit_makes_nobody_wait() -> None:
    rate = Rate(None, 0.0)
    assert [rate.take(10**9, now) for now in (0.0, 0.0, 0.1)] == [0.0, 0.0, 0.0]
    rate.rate = 1_000_000
    assert rate.take(500_000, 0.1) == pytest.approx(0.5)
