"""PgBouncer holds clients back and lets them go on, whatever becomes of the held session."""

from __future__ import annotations

import pickle
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from made import OWNER, OWNER_PASSWORD

from database_moves.errors import AbortedError
from database_moves.poolers.pgbouncer import PgBouncer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.pgbouncer import PgBouncerServer
    from made import Made

pytestmark = pytest.mark.needs_pgbouncer


@pytest.fixture
def server(pair: tuple[Made, Made], make_pooler: Callable[..., PgBouncerServer]) -> PgBouncerServer:
    return make_pooler({"orders": pair[0]})


@pytest.fixture
def pooler(pair: tuple[Made, Made], server: PgBouncerServer) -> PgBouncer:
    source, target = pair[0].as_database("source"), pair[1].as_database("target")
    return PgBouncer(server.admin_dsn, server.config, source, target)


def client(server: PgBouncerServer) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.dsn("orders", OWNER, OWNER_PASSWORD), autocommit=True)


def test_a_client_that_waits_through_a_pause_is_seen_to_wait_and_goes_on_at_the_other_side(
    server: PgBouncerServer, pooler: PgBouncer
) -> None:
    versions: list[object] = []
    with client(server) as waiting:

        def ask() -> None:
            row = waiting.execute("SELECT current_setting('server_version_num')::int / 10000")
            versions.extend(row.fetchone() or ())

        pooler.hold()
        pooler.pause(10)
        thread = threading.Thread(target=ask)
        thread.start()
        waits = pooler.longest_waits()
        deadline = time.monotonic() + 60
        while next(waits) < 0.1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        pooler.point_at("target")
        assert pooler.state().paused
        pooler.resume()
        thread.join(60)
        pooler.let_go()
    assert versions == [18]
    assert not pooler.state().paused


@pytest.mark.parametrize("held", [True, False])
def test_a_pause_that_a_transaction_holds_up_leaves_nobody_waiting(
    server: PgBouncerServer, pooler: PgBouncer, held: bool
) -> None:
    if held:
        pooler.hold()
    with client(server) as holding, client(server) as other:
        with holding.transaction():
            holding.execute("SELECT 1")
            with pytest.raises(AbortedError, match="did not end in"):
                pooler.pause(0.3)
            assert other.execute("SELECT 1").fetchone() == (1,)
        assert not pooler.state().paused


def test_a_held_session_that_is_gone_is_opened_again(
    server: PgBouncerServer, pooler: PgBouncer
) -> None:
    pooler.hold()
    server.restart()
    pooler.pause(10)
    assert pooler.state().paused
    pooler.hold()
    server.restart()
    pooler.resume()
    assert not pooler.state().paused


def test_a_guard_gets_a_pooler_without_the_movers_session(pooler: PgBouncer) -> None:
    pooler.hold()
    other = pickle.loads(pickle.dumps(pooler))
    pooler.let_go()
    assert not other.state().paused
