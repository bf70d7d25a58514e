"""A copy outlives servers, sessions, networks and workers, and doubles nothing by it."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from made import MOVER, MOVER_PASSWORD, OWNER, Made, prepare
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database_moves import crash_points
from database_moves.copying import create_slot_with_snapshot, erase_rows
from database_moves.database import Database
from database_moves.errors import MoveError, SnapshotLostError
from rehearsal.servers.postgresql import PostgresqlServers
from tests.database_moves.copied import SLOT, copying, on_both
from tests.database_moves.kit.children import children, command_line
from tests.database_moves.kit.proxy import CuttingProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from database_moves.progress import Step
    from tests.database_moves.copied import Copying

BIG = sql.Identifier("public", 'big %s "one"')

RATE = 6_000_000
"""Bytes a second: slow enough for a copy of some 16 MB to be hit in its middle."""


class Once:
    """Does something when the copy is some way on, but has not ended."""

    def __init__(self, action: Callable[[], object], after: float = 0.2) -> None:
        self._action = action
        self._after = after
        self.done = False

    def __call__(self, step: Step) -> None:
        assert step.total is not None
        if not self.done and self._after < step.done / step.total < 0.95:
            self.done = True
            self._action()


@pytest.fixture
def filled(pair: tuple[Made, Made]) -> tuple[Made, Made]:
    source, target = pair
    fill(source, target)
    return source, target


def fill(source: Made, target: Made) -> None:
    on_both(
        source,
        target,
        'CREATE TABLE public."big %s ""one""" (id int, filler text)',
        "CREATE TABLE public.small (id int)",
    )
    with source.owner() as owner:
        owner.execute(
            sql.SQL(
                'INSERT INTO public."big %s ""one""" SELECT k, repeat(md5(k::text), 6) '
                "FROM generate_series(1, 70000) AS k"
            )
        )
        owner.execute("INSERT INTO public.small SELECT generate_series(1, 100)")


def workers() -> list[int]:
    return [pid for pid in children() if b"database_moves.copying" in command_line(pid)]


def end_sessions(made: Made, *purposes: str) -> None:
    with made.superuser() as connection:
        ended = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = %s AND application_name = ANY (%s)",
            (made.name, [f"patchworks {purpose}" for purpose in purposes]),
        ).fetchone()
    assert ended != (0,)


def run(copy: Copying, fault: Once, **options: Any) -> None:
    copy.run(**{"rate_limit": RATE, "progress": fault, **options})
    assert fault.done


@pytest.mark.parametrize("side", [0, 1])
def test_a_killed_session_costs_only_the_parts_it_had_in_hand(
    filled: tuple[Made, Made], side: int
) -> None:
    with copying(*filled) as copy:
        run(copy, Once(lambda: end_sessions(filled[side], "copy")))
        copy.check()


def test_a_killed_worker_is_noticed_and_replaced(filled: tuple[Made, Made]) -> None:
    killed: list[int] = []

    def kill() -> None:
        killed.append(workers()[0])
        os.kill(killed[0], signal.SIGKILL)

    with copying(*filled) as copy:
        run(copy, Once(kill))
        copy.check()
    assert workers() == []


def test_a_cut_network_is_waited_for(filled: tuple[Made, Made]) -> None:
    source, target = filled
    server = target.server
    with CuttingProxy(server.host, server.port) as proxy, copying(source, target) as copy:
        copy.target = Database(
            make_conninfo(target.mover_dsn, host=proxy.host, port=proxy.port), "target"
        )

        def cut() -> None:
            proxy.refuse()
            threading.Timer(1.0, proxy.forward).start()

        run(copy, Once(cut))
        copy.check()


def test_when_the_snapshots_session_is_cut_the_copy_says_so_and_can_start_over(
    filled: tuple[Made, Made],
) -> None:
    source, target = filled
    with copying(source, target) as copy:
        with pytest.raises(SnapshotLostError):
            run(copy, Once(lambda: end_sessions(source, "snapshot", "copy")))
        assert not copy.snapshot.alive()
        assert workers() == []
    with source.superuser() as connection:
        connection.execute("SELECT pg_drop_replication_slot(%s)", (SLOT,))
    with copying(source, target) as copy:
        with pytest.raises(MoveError, match="earlier snapshot"):
            copy.run()
        erase_rows(copy.target)
        copy.run()
        copy.check()


def test_what_progress_raises_ends_the_copy_and_a_second_call_goes_on(
    filled: tuple[Made, Made],
) -> None:
    class Stopped(KeyboardInterrupt):
        pass

    def stop() -> None:
        raise Stopped

    with copying(*filled) as copy:
        with pytest.raises(Stopped):
            run(copy, Once(stop, after=0.5))
        assert workers() == []
        with copy.target.session("test") as connection:
            before = connection.execute("SELECT count(*) FROM patchworks_moves.part").fetchone()
        assert before is not None
        assert before[0] > 0
        copy.run()
        copy.check()


def test_a_commit_of_unknown_outcome_is_looked_up(
    filled: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def progress(step: Step) -> None:
        told.append(step.detail)
        if "worker process ended" in step.detail:
            monkeypatch.delenv(crash_points.VARIABLE, raising=False)

    monkeypatch.setenv(crash_points.VARIABLE, "copy.part-done:2")
    with copying(*filled) as copy:
        copy.run(progress=progress)
        copy.check()
    assert any("worker process ended with -9" in detail for detail in told)


def test_a_table_rewritten_between_its_parts_is_never_taken_for_whole(
    filled: tuple[Made, Made],
) -> None:
    source, _ = filled

    def rewrite() -> None:
        with source.owner() as owner:
            owner.execute("SET lock_timeout = '20s'")
            owner.execute(sql.SQL("DELETE FROM {} WHERE id < 30000").format(BIG))
            owner.execute(sql.SQL("VACUUM FULL {}").format(BIG))

    with copying(*filled) as copy, pytest.raises(SnapshotLostError, match=r"big.*rewritten"):
        run(copy, Once(rewrite))


def test_a_value_that_the_target_refuses_names_table_and_part(filled: tuple[Made, Made]) -> None:
    source, target = filled
    with target.owner() as owner:
        owner.execute(sql.SQL("ALTER TABLE {} ADD CHECK (id <> 60000)").format(BIG))
    with copying(source, target) as copy:
        with pytest.raises(MoveError, match=r'"big %s ""one""", part \d+ of \d+: .*constraint'):
            copy.run()
        with copy.target.session("test") as connection:
            told = connection.execute(
                "SELECT coalesce(sum(rows), 0) FROM patchworks_moves.part "
                "WHERE table_name LIKE 'big%'"
            ).fetchone()
            held = connection.execute(
                sql.SQL('SELECT count(*) FROM public."big %s ""one"""')
            ).fetchone()
        assert told == held


@pytest.fixture
def own_target(tmp_path: Path, make_database: Callable[[int], Made]) -> Iterator[Any]:
    """A target on a server of its own, and that server's cloud, to restart it."""
    cloud = PostgresqlServers(tmp_path)
    server = cloud.ensure("target", "18.0")
    prepare(server)
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE d OWNER {}").format(sql.Identifier(OWNER)))
    yield Made(server, "d"), cloud
    cloud.stop()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGQUIT])
def test_a_target_that_stops_or_crashes_and_comes_back_is_waited_for(
    make_database: Callable[[int], Made],
    own_target: tuple[Made, PostgresqlServers],
    sign: signal.Signals,
) -> None:
    target, cloud = own_target
    source = make_database(16)
    fill(source, target)

    def restart() -> None:
        with target.superuser() as connection:
            row = connection.execute(
                "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int"
            ).fetchone()
        assert row is not None
        os.kill(row[0], sign)
        returning.start()

    def back() -> None:
        cloud.stop()
        cloud.ensure("target", "18.0")

    returning = threading.Thread(target=back)
    with copying(source, target) as copy:
        run(copy, Once(restart))
        copy.check()
    returning.join()


def test_timers_of_the_role_do_not_end_the_snapshot(pair: tuple[Made, Made]) -> None:
    source, target = pair
    on_both(
        source,
        target,
        "CREATE TABLE public.t (a int)",
    )
    with source.superuser() as connection:
        for timer in ("idle_in_transaction_session_timeout", "statement_timeout"):
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET {} = '200ms'").format(
                    sql.Identifier(source.name), sql.Identifier(timer)
                )
            )
    with copying(source, target) as copy:
        copy.then.execute("SELECT pg_sleep(0.8)")
        assert copy.snapshot.alive()
        copy.run()


def test_the_transaction_that_delays_a_slot_is_named(pair: tuple[Made, Made]) -> None:
    source, _ = pair
    told: list[Step] = []
    with source.owner() as owner:
        owner.execute("CREATE TABLE public.t (a int)")
        owner.execute("SET application_name = 'long report'")
        owner.execute("BEGIN")
        owner.execute("INSERT INTO public.t VALUES (1)")

        def progress(step: Step) -> None:
            told.append(step)
            owner.execute("COMMIT")

        with create_slot_with_snapshot(
            source.as_database("source"), SLOT, progress=progress
        ) as snapshot:
            assert snapshot.alive()
    assert "long report" in told[0].detail
    assert str(owner.info.backend_pid if not owner.closed else "") in told[0].detail


def test_giving_up_on_a_slot_leaves_none(pair: tuple[Made, Made]) -> None:
    source, _ = pair

    def stop(step: Step) -> None:
        raise KeyboardInterrupt

    with source.owner() as owner:
        owner.execute("BEGIN")
        owner.execute("CREATE TABLE public.t (a int)")
        with pytest.raises(KeyboardInterrupt):
            create_slot_with_snapshot(source.as_database("source"), SLOT, progress=stop)
        owner.execute("COMMIT")
    with source.superuser() as connection:
        for _ in range(100):
            left = connection.execute(
                "SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (SLOT,)
            ).fetchone()
            if left == (0,):
                break
            connection.execute("SELECT pg_sleep(0.1)")
    assert left == (0,)


def test_a_slot_that_exists_is_not_taken_over(pair: tuple[Made, Made]) -> None:
    source = pair[0].as_database("source")
    with create_slot_with_snapshot(source, SLOT), pytest.raises(MoveError, match=SLOT):
        create_slot_with_snapshot(source, SLOT)


def test_no_process_shows_a_credential(filled: tuple[Made, Made]) -> None:
    seen: list[bytes] = []

    def look() -> None:
        for pid in workers():
            process = Path(f"/proc/{pid}")
            seen.append((process / "cmdline").read_bytes() + (process / "environ").read_bytes())

    with copying(*filled) as copy:
        run(copy, Once(look))
    assert seen
    for text in seen:
        assert MOVER_PASSWORD.encode() not in text
        assert MOVER.encode() not in text
