"""A schema that changed just before the pause is found out in it, and a truncated table is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from database_moves.cutover.unchanged import Unchanged
from database_moves.cutover.waits import MOST, Wait, shown
from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from made import Made


def test_what_changed_is_named_and_a_truncate_is_let_pass(
    make_database: Callable[[int], Made],
) -> None:
    made = make_database(16)
    with made.owner() as owner, made.as_database("source").connect("schema") as looking:
        owner.autocommit = True
        owner.execute("CREATE TABLE orders (id int PRIMARY KEY)")
        unchanged = Unchanged(looking)
        owner.execute("TRUNCATE orders")
        unchanged.look()
        unchanged.check()
        unchanged = Unchanged(looking)
        owner.execute("ALTER TABLE orders ADD note text")
        unchanged.look()
        with pytest.raises(MoveError, match="orders column note was added"):
            unchanged.check()


def test_a_session_that_is_gone_is_told_to_who_waits_for_the_answer(
    make_database: Callable[[int], Made],
) -> None:
    looking = make_database(16).as_database("source").connect("schema")
    unchanged = Unchanged(looking)
    looking.close()
    unchanged.look()
    with pytest.raises(psycopg.OperationalError):
        unchanged.check()


def test_of_many_waits_the_longest_is_told() -> None:
    begin = datetime(2026, 11, 27, tzinfo=UTC)
    seconds = [0.0] * 500 + [n / 1000 for n in range(1, 901)] + [0.0] * 500
    seen = [Wait(begin + timedelta(milliseconds=n), s) for n, s in enumerate(seconds)]
    found = shown(seen)
    assert len(found) <= MOST
    assert max(wait.seconds for wait in found) == 0.9
    assert found == sorted(found)
    assert shown(seen[:400]) == []
