"""PostgreSQL 15, which has no origin option, and where only a superuser subscribes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql
from test_replication_stream import ALL_ORDERS, Writers, begin, drain, fill, rows

from database_moves.database import Database
from database_moves.errors import MoveError
from database_moves.replication.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from made import Made


@pytest.mark.needs_debian_postgresql
def test_fifteen_gives_to_a_newer_one_and_takes_back_as_a_superuser(
    make_database: Callable[[int], Made],
) -> None:
    older, newer = make_database(15), make_database(18)
    for made in (older, newer):
        fill(made)
    old, new = older.as_database("source"), newer.as_database("target")
    forward, reverse = Stream("old", old, new), Stream("old", new, old)
    begin(forward)
    reverse.publish()
    reverse.create_slot()
    with Writers(older, 0) as first:
        first.wait_for(50)
    drain(forward)
    reverse.advance_slot()
    with pytest.raises(MoveError, match="superuser"):
        reverse.subscribe(enabled=False)
    as_superuser = Database(older.superuser_dsn, "source")
    back = Stream("old", new, as_superuser)
    back.subscribe(enabled=False)
    forward.disable()
    assert forward.remove() == ()
    back.enable()
    with newer.owner() as connection:
        connection.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), 100000)").format(
                '"Shop; --"."Order \u00fc%s"'
            )
        )
    with Writers(newer, 10) as second:
        second.wait_for(50)
    drain(back)
    written = sorted(first.acknowledged + second.acknowledged)
    assert rows(older, ALL_ORDERS) == written == rows(newer, ALL_ORDERS)
    assert back.health().faults() == []
    assert back.remove() == ()
