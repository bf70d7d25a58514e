"""Programs of the machine that some tests need: those tests are not run without them, aloud."""

from __future__ import annotations

import functools
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@functools.cache
def _has_pgbouncer() -> bool:
    from tests.database_moves.kit import pgbouncer

    return pgbouncer.program() is not None


@functools.cache
def _has_debian_postgresql() -> bool:
    from tests.database_moves.kit import debian

    return bool(debian.installations())


@functools.cache
def _has_chromium() -> bool:
    from tests import browsers

    return browsers.chromium() is not None


@dataclass(frozen=True)
class Need:
    """What the tests with a marker need."""

    there: Callable[[], bool]
    remedy: str


NEEDS = {
    "needs_pgbouncer": Need(_has_pgbouncer, "apt-get install pgbouncer"),
    "needs_debian_postgresql": Need(
        _has_debian_postgresql, "apt-get install postgresql (version 15 or later)"
    ),
    "needs_chromium": Need(_has_chromium, "apt-get install chromium"),
}

not_run: Counter[str] = Counter()
"""How many tests were left out, by marker."""


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests whose programs are missing; not in CI, where `require` fails them."""
    if os.environ.get("CI") == "true":
        return
    kept, left_out = [], []
    for item in items:
        lacking = _lacking(item)
        not_run.update(lacking[:1])
        (left_out if lacking else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def require(item: pytest.Item) -> None:
    """Fail a test whose program is missing."""
    for marker in _lacking(item):
        pytest.fail(f"{marker}: {NEEDS[marker].remedy}", pytrace=False)


def lines() -> list[str]:
    """What to tell the person who ran the tests."""
    return [
        f"{count} tests were NOT RUN: {marker} ({NEEDS[marker].remedy})"
        for marker, count in not_run.items()
    ]


def _lacking(item: pytest.Item) -> list[str]:
    return [
        marker
        for marker, need in NEEDS.items()
        if item.get_closest_marker(marker) and not need.there()
    ]
