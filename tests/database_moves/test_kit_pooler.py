"""PgBouncer in tests leads to databases with hostile names, and comes back after a kill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from made import MOVER, OWNER, OWNER_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.pgbouncer import PgBouncerServer
    from made import Made

pytestmark = pytest.mark.needs_pgbouncer


@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
def test_a_client_reaches_a_database_with_a_hostile_name_through_the_pooler(
    make_database: Callable[..., Made],
    make_pooler: Callable[..., PgBouncerServer],
    pool_mode: str,
) -> None:
    made = make_database(16, "O'r\\ders; # \u00fc=")
    pooler = make_pooler({"orders": made}, pool_mode=pool_mode)
    with psycopg.connect(pooler.dsn("orders", OWNER, OWNER_PASSWORD)) as connection:
        assert connection.execute("SELECT current_database(), current_user").fetchone() == (
            made.name,
            OWNER,
        )
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(pooler.dsn("orders", MOVER, OWNER_PASSWORD))


def test_a_pooler_that_was_killed_comes_back_where_it_was(
    make_database: Callable[..., Made], make_pooler: Callable[..., PgBouncerServer]
) -> None:
    pooler = make_pooler({"orders": make_database(16)})
    with pooler.admin() as connection:
        connection.execute("PAUSE orders")
    assert [row["paused"] for row in pooler.show("DATABASES") if row["name"] == "orders"] == [1]
    pooler.restart()
    assert [row["paused"] for row in pooler.show("DATABASES") if row["name"] == "orders"] == [0]
    assert "closing because" in pooler.log.read_text()
