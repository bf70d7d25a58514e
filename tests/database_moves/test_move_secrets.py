"""Whole moves by roles with hostile passwords, none of which is ever written or shown."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
import stalls
from faulty_move import left_behind
from kit.mover import Mover
from kit.pgbouncer import ADMIN_PASSWORD
from made import OWNER, OWNER_PASSWORD, Made
from move_journey import NAME, Journey
from psycopg import sql

from database_moves.schema import programs
from rehearsal.servers.postgresql_server import SUPERUSER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.servers import Servers

pytestmark = pytest.mark.needs_pgbouncer

STORE_ROLE = 'keeper "of" %moves @:/'
STORE_PASSWORD = "k'ee\"per w@rd:/%41$(x);\\ \u00fc\u4e2d=&?#+"

# What a server may be told to log, but for what it logs by itself of what it connects by.
LOUD: dict[str, str | int] = {
    "log_statement": "all",
    "log_min_error_statement": "error",
    "log_min_duration_statement": 0,
    "log_parameter_max_length": -1,
    "log_parameter_max_length_on_error": -1,
    "log_replication_commands": "on",
}

_numbers = itertools.count(1)


@pytest.fixture
def store(own: Servers) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """A database for what is recorded: its URL, and all it holds, as text."""
    server = own.start(18)
    name = f'store "{next(_numbers)}" %20'
    role, database = sql.Identifier(STORE_ROLE), sql.Identifier(name)
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (STORE_ROLE,))
        if known.fetchone() is None:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, STORE_PASSWORD)
            )
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
    login = f"{quote(STORE_ROLE, safe='')}:{quote(STORE_PASSWORD, safe='')}"

    def content() -> bytes:
        return subprocess.run(
            [programs.find(18).pg_dump, "--no-password", "--inserts"],
            env={
                "PATH": os.defpath,
                "PGHOST": str(server.socket_directory),
                "PGPORT": str(server.port),
                "PGUSER": SUPERUSER,
                "PGDATABASE": name,
            },
            capture_output=True,
            check=True,
        ).stdout

    yield f"postgresql://{login}@{server.host}:{server.port}/{quote(name, safe='')}", content
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@pytest.mark.parametrize("recorded_in", ["sqlite", "postgresql"])
def test_no_password_is_written_or_shown_in_a_whole_move_that_is_resumed_elsewhere(
    own: Servers,
    own_pair: tuple[Made, Made],
    tmp_path: Path,
    make_pooler: Callable[..., Any],
    make_workload: Callable[..., Any],
    store: tuple[str, Callable[[], bytes]],
    recorded_in: str,
    record_property: Callable[[str, object], None],
) -> None:
    source, target = own_pair
    url, stored = store
    pooler = make_pooler({"app": source})
    workload = make_workload(pooled=[pooler.dsn("app", OWNER, OWNER_PASSWORD)] * 2, pace=0.05)
    workload.install(source.owner_dsn)
    logged = {major: len(own.log(major)) for major in (16, 18)}
    for major in (16, 18):
        own.configure(major, **LOUD)

    def mover(machine: str) -> Mover:
        return Mover(
            source.mover_dsn,
            target.mover_dsn,
            tmp_path / machine,
            secrets=(OWNER_PASSWORD, STORE_PASSWORD, ADMIN_PASSWORD),
            # The console's own password belongs on no command line either.
            environment={"PATCHWORKS_POOLER": pooler.admin_dsn},
            store=url if recorded_in == "postgresql" else None,
        )

    pooling = ("--pooler-config", str(pooler.config))
    # Each looks at its output, its files, and all arguments of what it starts.
    first = mover("a machine")
    # What the store shares, another machine goes on with.
    second = mover("another machine") if recorded_in == "postgresql" else first
    workload.start()
    killed = first.run("database", "move", NAME, *pooling, kill_at="copy.copied")
    assert killed.killed
    moved = second.run("database", "move", NAME, *pooling)
    assert moved.code == 0, moved.stderr
    state = second.run("database", "status", NAME, "--json")
    assert json.loads(state.stdout)["phase"] == "soak"
    for ending in ("html", "json"):
        file = second.state / f"report.{ending}"
        # A report is in the state's directory, where all is looked at after each command.
        assert second.run("database", "report", NAME, "--output", str(file)).code == 0
        assert file.stat().st_size > 1000
    assert second.run("database", "rollback", NAME, *pooling).code == 0
    journey = Journey(source, target, pooler, workload, second)
    assert journey.serving() is source
    assert second.run("database", "cutover", NAME, *pooling).code == 0
    assert second.run("database", "finish", NAME).code == 0
    for major in (16, 18):
        own.configure(major, **dict.fromkeys(LOUD))
        log = own.log(major)[logged[major] :]
        assert "CREATE SUBSCRIPTION" in log or "PUBLICATION" in log
        first.look_for_secrets(f"the log of {major}", log.encode())
    content = stored()
    assert (NAME.encode() in content) == (recorded_in == "postgresql")
    first.look_for_secrets("the store", content)
    workload.wait_for_writes(5)
    audit = journey.account()
    assert audit.pooler_errors == ()
    assert left_behind(journey.source, journey.target) == []
    record_property(stalls.PROPERTY, audit.longest_stall_seconds)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody:{password}@127.0.0.1:1/none",
        "postgresql://{role}:{password}x@{address}/none",
        "postgresql://{password}",
        "{password}",
        "mysql://a:{password}@127.0.0.1/none",
    ],
)
def test_a_store_that_is_not_reached_is_told_without_its_password(
    own_pair: tuple[Made, Made], tmp_path: Path, url: str
) -> None:
    source, target = own_pair
    given = url.format(
        password=quote(STORE_PASSWORD, safe=""),
        role=quote(STORE_ROLE, safe=""),
        address=f"{source.server.host}:{source.server.port}",
    )
    mover = Mover(
        source.mover_dsn, target.mover_dsn, tmp_path, secrets=(STORE_PASSWORD,), store=given
    )
    for verb in ("move", "status"):
        ended = mover.run("database", verb, NAME)
        assert ended.code in (1, 2), ended
        assert "PATCHWORKS_DATABASE_URL" in ended.stderr, ended.stderr
        assert "Traceback" not in ended.stderr, ended.stderr
