"""Real PostgreSQL servers of two versions, and fresh databases on them for every test."""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from kit.debian import DebianPostgres
from kit.forking import Forks
from kit.mover import Mover
from kit.pgbouncer import PgBouncerServer, entry
from kit.proxy import CuttingProxy
from kit.servers import Servers
from kit.workload import Workload
from made import MOVER, MOVER_PASSWORD, OWNER, OWNER_PASSWORD, Made, prepare, remove
from move_journey import Journey
from psycopg import sql

from rehearsal.servers.postgresql import PostgresqlServers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from rehearsal.servers.postgresql import PostgresqlServer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[int], PostgresqlServer]]:
    """Servers by major version, started when first asked for, one a worker and version.

    16 and 18 are the wheel's. Others are Debian's; a test that asks for one is marked with
    `needs_debian_postgresql`.
    """
    cloud = PostgresqlServers(tmp_path_factory.mktemp("postgresql"))
    started: dict[int, PostgresqlServer] = {}
    debian: list[DebianPostgres] = []

    def server(major: int) -> PostgresqlServer:
        if major not in (16, 18) and major not in started:
            debian.append(DebianPostgres(tmp_path_factory.mktemp("debian"), major))
            started[major] = debian[-1].start()
            prepare(started[major])
        if major not in started:
            found = cloud.ensure(f"pg{major}-{os.getpid()}", f"{major}.0")
            prepare(found)
            started[major] = found
        return started[major]

    yield server
    cloud.stop()
    for other in debian:
        other.stop()


@pytest.fixture
def make_database(
    servers: Callable[[int], PostgresqlServer],
) -> Iterator[Callable[[int], Made]]:
    """Make empty databases that the application's role owns; they are dropped at the end."""
    made: list[Made] = []

    def make(major: int, prefix: str = "Orders") -> Made:
        server = servers(major)
        database = Made(server, f'{prefix} "{next(_numbers)}" %s')
        with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
            name = sql.Identifier(database.name)
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(OWNER))
            )
        made.append(database)
        return database

    yield make
    remove(*made)


@pytest.fixture
def pair(make_database: Callable[[int], Made]) -> tuple[Made, Made]:
    """A source on PostgreSQL 16 and an empty target on 18."""
    return make_database(16), make_database(18)


@pytest.fixture
def make_pooler(tmp_path: Path) -> Iterator[Callable[..., PgBouncerServer]]:
    """Start PgBouncers in front of databases, each under an alias; mark with `needs_pgbouncer`.

    The owner and the mover may log in. Options of `PgBouncerServer` are passed on.
    """
    started: list[PgBouncerServer] = []

    def make(databases: Mapping[str, Made | str], **options: Any) -> PgBouncerServer:
        pooler = PgBouncerServer(
            tmp_path / f"pooler-{len(started)}",
            {a: d if isinstance(d, str) else entry(d) for a, d in databases.items()},
            {OWNER: OWNER_PASSWORD, MOVER: MOVER_PASSWORD},
            **options,
        )
        started.append(pooler)
        pooler.start()
        return pooler

    yield make
    for pooler in started:
        pooler.__exit__()


@pytest.fixture
def make_workload(tmp_path: Path) -> Iterator[Callable[..., Workload]]:
    """Make workloads, which are stopped at the latest when the test ends."""
    made: list[Workload] = []

    def make(**options: Any) -> Workload:
        made.append(Workload(tmp_path / f"workload-{len(made)}", **options))
        return made[-1]

    yield make
    for workload in made:
        workload.stop()


@pytest.fixture
def cut_between() -> Iterator[Callable[[Made], CuttingProxy]]:
    """Make proxies in front of a database's server; they pass everything on at first."""
    with contextlib.ExitStack() as proxies:
        yield lambda made: proxies.enter_context(CuttingProxy(made.server.host, made.server.port))


@pytest.fixture
def make_mover(tmp_path: Path) -> Callable[..., Mover]:
    """Make a mover between two databases, as the mover's role, with a state of its own."""

    def make(source: Made, target: Made, **options: Any) -> Mover:
        state = tmp_path / "moves"
        return Mover(source.mover_dsn, target.mover_dsn, state, **options)

    return make


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that a module's tests may kill and configure, 16 and 18, both running."""
    found = Servers(tmp_path_factory.mktemp("own"))
    for major in (16, 18):
        prepare(found.start(major))
    yield found
    found.cloud.stop()


@pytest.fixture
def own_pair(own: Servers) -> Iterator[tuple[Made, Made]]:
    """A source on 16 and an empty target on 18, on servers that may be killed."""
    own.made += 1
    made = []
    for major in (16, 18):
        database = Made(own.start(major), f'Shop "{own.made}" %s')
        with psycopg.connect(database.server.superuser_dsn, autocommit=True) as connection:
            name, owner = sql.Identifier(database.name), sql.Identifier(OWNER)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
        made.append(database)
    yield made[0], made[1]
    for major in (16, 18):
        own.start(major)
    remove(*made)


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """What starts movers without importing them again each time."""
    with Forks(tmp_path_factory.mktemp("forks")) as forks:
        yield forks


@pytest.fixture
def make_journey(
    make_database: Callable[[int], Made],
    make_pooler: Callable[..., PgBouncerServer],
    make_workload: Callable[..., Workload],
    make_mover: Callable[..., Mover],
    forks: Forks,
) -> Callable[[int, int], Journey]:
    """Make a database with a pooler and writers, and an empty one to move it to, by versions."""

    def make(source_major: int, target_major: int) -> Journey:
        source, target = make_database(source_major), make_database(target_major)
        pooler = make_pooler({"app": source})
        workload = make_workload(
            pooled=[pooler.dsn("app", OWNER, OWNER_PASSWORD)] * 2,
            direct=[source.owner_dsn],
            pace=0.05,
        )
        workload.install(source.owner_dsn)
        journey = Journey(source, target, pooler, workload, make_mover(source, target, forks=forks))
        journey.fill()
        return journey

    return make
