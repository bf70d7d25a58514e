"""What a copy does at its limits: memory, disk, encodings, encryption, and its own death."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from made import OWNER, Made, prepare
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database_moves.copying import wire
from database_moves.copying.crew import PROGRAM
from database_moves.copying.worker import Begin, send
from database_moves.database import Database
from database_moves.errors import MoveError
from tests.database_moves.copied import copying, on_both
from tests.database_moves.kit.debian import DebianPostgres
from tests.database_moves.test_copying_faults import workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from database_moves.progress import Step


def test_values_of_50_megabytes_pass_through_as_they_come(pair: tuple[Made, Made]) -> None:
    source, target = pair
    on_both(source, target, "CREATE TABLE public.large (id int, b bytea)")
    with source.owner() as owner:
        owner.execute("ALTER TABLE public.large ALTER b SET STORAGE EXTERNAL")
        owner.execute(
            "INSERT INTO public.large SELECT k, decode(repeat(md5(k::text), 3276800), 'hex') "
            "FROM generate_series(1, 3) AS k"
        )
    peaks: dict[int, int] = {}

    def look(step: Step) -> None:
        for pid in workers():
            status = Path(f"/proc/{pid}/status").read_text()
            peaks[pid] = next(
                int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")
            )

    with copying(source, target) as copy:
        result = copy.run(progress=look, rate_limit=100_000_000)
        assert result.bytes > 3 * 50 * 1024**2
        with copy.target.session("test") as connection:
            digests = "SELECT id, md5(b), length(b) FROM public.large ORDER BY id"
            assert connection.execute(digests).fetchall() == copy.then.execute(digests).fetchall()
    assert peaks
    assert max(peaks.values()) < 48 * 1024


def test_a_full_disk_is_told_with_the_place_and_leaves_nothing_half(
    pair: tuple[Made, Made],
) -> None:
    source, target = pair
    on_both(source, target, "CREATE TABLE public.t (a int)")
    with source.owner() as owner:
        owner.execute("INSERT INTO public.t SELECT generate_series(1, 5000)")
    with target.owner() as owner:
        # The server says this in these words and by this SQLSTATE, whatever file it extends.
        owner.execute(
            "CREATE FUNCTION public.grow(a int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN "
            "IF a = 4000 THEN RAISE EXCEPTION 'could not extend file: No space left on device' "
            "USING ERRCODE = 'disk_full'; END IF; RETURN true; END $$"
        )
        owner.execute("ALTER TABLE public.t ADD CHECK (public.grow(a))")
    with copying(source, target) as copy:
        with pytest.raises(MoveError, match=r"public\.t: .*No space left") as raised:
            copy.run()
        assert raised.value.remedy is not None
        assert "room" in raised.value.remedy
        with copy.target.session("test") as connection:
            for table in ("public.t", "patchworks_moves.part"):
                query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
                assert connection.execute(query).fetchone() == (0,)


def test_bytes_that_are_no_text_name_the_table(pair: tuple[Made, Made]) -> None:
    source, target = pair
    odd = Made(source.server, "odd one")
    with psycopg.connect(source.server.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "CREATE DATABASE {} OWNER {} ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'"
            ).format(sql.Identifier(odd.name), sql.Identifier(OWNER))
        )
    try:
        on_both(odd, target, "CREATE TABLE public.latin (a text)")
        with odd.owner() as owner:
            owner.execute("INSERT INTO public.latin VALUES (E'\\xe9')")
        with (
            copying(odd, target) as copy,
            pytest.raises(MoveError, match=r"public\.latin: invalid byte sequence"),
        ):
            copy.run()
    finally:
        with psycopg.connect(source.server.superuser_dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                "WHERE database = %s",
                (odd.name,),
            )
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(odd.name))
            )


def test_a_worker_ends_when_its_mover_does(pair: tuple[Made, Made]) -> None:
    source, target = pair
    worker = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with worker:
        assert worker.stdin is not None
        send(
            worker.stdin,
            Begin(source.as_database("source"), target.as_database("target"), "none", "none", 2),
        )
        # What a mover that was killed leaves of its end of the pipe.
        worker.stdin.close()
        assert worker.wait(30) == 0


def test_an_encrypted_connection_is_read_by_libpq(
    tmp_path: Path, make_database: Callable[[int], Made]
) -> None:
    target = make_database(18)
    debian = DebianPostgres(tmp_path)
    server = debian.start()
    try:
        prepare(server)
        with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE d OWNER {}").format(sql.Identifier(OWNER)))
        source = Made(server, "d")
        on_both(source, target, "CREATE TABLE public.t (a int, b text)")
        with source.owner() as owner:
            owner.execute(
                "INSERT INTO public.t SELECT k, repeat(md5(k::text), 1 + k % 3000 / 2990 * 5000) "
                "FROM generate_series(1, 30000) AS k"
            )
        through = Database(make_conninfo(source.mover_dsn, sslmode="require"), "source")
        with through.session("test") as connection:
            assert not wire.usable(connection.pgconn)
        with copying(source, target, through=through) as copy:
            assert copy.run().rows == 30000
            copy.check()
    finally:
        debian.stop()
