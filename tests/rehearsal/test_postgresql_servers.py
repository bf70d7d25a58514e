"""Real PostgreSQL servers, started below the test's own directory."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from rehearsal.servers import process
from rehearsal.servers.postgresql import PostgresqlServer, PostgresqlServers
from rehearsal.servers.postgresql_installation import Account, nearest_major
from rehearsal.servers.postgresql_settings import COMMON, CONNECTIONS, SINCE_18

ROOT = Path(__file__).parents[2]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[PostgresqlServers]:
    servers = PostgresqlServers(tmp_path / "postgresql")
    yield servers
    servers.stop()


def value(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def pid(servers: PostgresqlServers, cluster: str) -> int:
    found = next(status.pid for status in servers.status() if status.cluster == cluster)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("engine", "major"), [("15.12", 16), ("16.4", 16), ("17.5", 18), ("18.1", 18)]
)
def test_the_nearest_version_stands_for_an_engine(engine: str, major: int) -> None:
    assert nearest_major(engine) == major


def test_each_cluster_is_a_server_of_its_own_with_its_version(servers: PostgresqlServers) -> None:
    with ThreadPoolExecutor() as pool:
        old, new = pool.map(servers.ensure, ["cell-old", "cell-new"], ["16.8", "17.5"])
    assert (old.version.split(".")[0], old.note) == ("16", None)
    assert new.note == f"runs PostgreSQL {new.version} in place of 17.5"
    assert value(old.superuser_dsn, "SHOW server_version") == old.version
    assert value(new.superuser_dsn, "SHOW server_version") == new.version
    identifier = "SELECT system_identifier FROM pg_control_system()"
    assert value(old.superuser_dsn, identifier) != value(new.superuser_dsn, identifier)
    assert servers.find(old.host, old.port) == old
    assert servers.find("cell-new.cluster-abc.eu-west-1.rds.amazonaws.com", 5432) == new
    with pytest.raises(LookupError, match="cell-new at 127"):
        servers.find("127.0.0.1", 1)


def test_a_server_is_durable_ready_for_moves_and_on_loopback(servers: PostgresqlServers) -> None:
    server = servers.ensure("cell-pool-a", "16.8")
    for setting, expected in {
        "wal_level": "logical",
        "fsync": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "127.0.0.1",
        "password_encryption": "scram-sha-256",
    }.items():
        assert value(server.superuser_dsn, f"SHOW {setting}") == expected
    slot = "SELECT slot_name FROM pg_create_logical_replication_slot('s', 'pgoutput')"
    assert value(server.deployer_dsn(), slot) == "s"


@pytest.mark.parametrize("major", [16, 18])
def test_replication_is_sized_as_the_cells_parameter_groups_say(major: int) -> None:
    from components.aws.database_parameters import cluster_parameters, instance_parameters

    local = COMMON | (SINCE_18 if major >= 18 else {})
    # Statements that are slow here are none of the log's business: they hold the tests' secrets.
    elsewhere = {"log_min_duration_statement", "shared_preload_libraries"}
    declared = {
        p.name: p.value
        for p in (*cluster_parameters(major, CONNECTIONS), *instance_parameters())
        if "." not in p.name and p.name not in elsewhere
    }
    assert {name: str(local.get(name)) for name in declared} == declared


def test_the_deployer_is_no_superuser_and_the_superuser_has_no_tcp(
    servers: PostgresqlServers,
) -> None:
    server = servers.ensure("cell-pool-a", "16.8")
    rights = "SELECT ARRAY[rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls]"
    query = f"{rights} FROM pg_roles WHERE rolname = current_user"
    assert value(server.deployer_dsn(), query) == [False, True, True, True, False]
    for user, password in (("postgres", ""), ("postgres", "postgres"), ("patchworks_deployer", "")):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(
                host=server.host, port=server.port, user=user, password=password, dbname="postgres"
            )
    assert server.deployer.password not in repr(server)
    assert server.mover.password not in repr(server)
    assert server.deployer.password not in repr(server.deployer)


@pytest.mark.parametrize("version", ["16.8", "18.1"])
def test_who_moves_logs_in_with_a_password_and_is_the_deployer_from_then_on(
    servers: PostgresqlServers, version: str
) -> None:
    server = servers.ensure("cell-pool-a", version)
    assert value(server.mover_dsn(), "SELECT ARRAY[session_user, current_user]::text[]") == [
        "patchworks_mover",
        "patchworks_deployer",
    ]
    with psycopg.connect(server.mover_dsn(), autocommit=True) as session:
        session.execute("CREATE ROLE owner_of_one")
        session.execute("CREATE DATABASE one OWNER owner_of_one")
        session.execute("DROP DATABASE one")
        session.execute("DROP ROLE owner_of_one")
        # A walsender looks at the login itself, before its settings are there.
    with psycopg.connect(server.mover_dsn(), replication="database", autocommit=True) as session:
        session.execute("IDENTIFY_SYSTEM")
    rights = "SELECT ARRAY[rolsuper, rolcreatedb, rolcreaterole, rolbypassrls] FROM pg_roles"
    assert value(server.mover_dsn(), f"{rights} WHERE rolname = session_user") == [False] * 4
    assert server.mover.password not in server_log(servers, server.cluster)


def server_log(servers: PostgresqlServers, cluster: str) -> str:
    return (servers._directory / cluster / "server.log").read_text()


def test_state_sockets_and_data_are_closed_to_others(
    servers: PostgresqlServers, tmp_path: Path
) -> None:
    server = servers.ensure("cell-pool-a", "16.8")
    cluster = tmp_path / "postgresql" / "cell-pool-a"
    for path in (cluster, cluster / "data", cluster / "server.json", cluster / "server.log"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert server.socket_directory.stat().st_mode & 0o077 == 0
    assert server.socket_directory.parent.stat().st_mode & 0o077 == 0


def test_a_second_start_reuses_the_server(servers: PostgresqlServers, tmp_path: Path) -> None:
    first = servers.ensure("cell-pool-a", "16.8")
    before = pid(servers, "cell-pool-a")
    again = PostgresqlServers(tmp_path / "postgresql").ensure("cell-pool-a", "16.8")
    assert (again, pid(servers, "cell-pool-a")) == (first, before)


def test_data_port_and_password_survive_a_stop(servers: PostgresqlServers) -> None:
    first = servers.ensure("cell-pool-a", "16.8")
    with psycopg.connect(first.deployer_dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE kept")
    assert servers.stop() == 1
    assert servers.stop() == 0
    assert [status.state for status in servers.status()] == ["stopped"]
    with pytest.raises(LookupError):
        servers.find(first.host, first.port)
    again = servers.ensure("cell-pool-a", "16.8")
    # Another program may have taken the port meanwhile, and then has the next one been kept.
    for _ in range(3):
        if again.port != first.port:
            servers.stop()
            first, again = again, servers.ensure("cell-pool-a", "16.8")
    assert (again.port, again.deployer) == (first.port, first.deployer)
    assert value(again.deployer_dsn("kept"), "SELECT current_database()") == "kept"


def test_a_port_that_was_taken_meanwhile_is_changed(servers: PostgresqlServers) -> None:
    import socket

    first = servers.ensure("cell-pool-a", "16.8")
    servers.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Where somebody else was faster, it is taken as well.
        with contextlib.suppress(OSError):
            taken.bind((first.host, first.port))
            taken.listen()
        again = servers.ensure("cell-pool-a", "16.8")
        assert again.port != first.port
        assert value(again.deployer_dsn(), "SELECT 1") == 1


def test_a_killed_server_recovers_what_was_committed(servers: PostgresqlServers) -> None:
    server = servers.ensure("cell-pool-a", "16.8")
    with psycopg.connect(server.superuser_dsn) as connection:
        connection.execute("CREATE TABLE acknowledged AS SELECT 1 AS id")
    # A backend that is busy outlives its postmaster for a while.
    busy = psycopg.connect(server.superuser_dsn, autocommit=True)
    before = pid(servers, "cell-pool-a")
    os.kill(before, signal.SIGKILL)
    again = servers.ensure("cell-pool-a", "16.8")
    assert pid(servers, "cell-pool-a") != before
    assert value(again.superuser_dsn, "SELECT id FROM acknowledged") == 1
    busy.close()


def test_a_server_whose_pidfile_was_lost_is_replaced_and_not_doubled(
    servers: PostgresqlServers, tmp_path: Path
) -> None:
    servers.ensure("cell-pool-a", "16.8")
    lost = process.of(pid(servers, "cell-pool-a"))
    assert lost is not None
    (tmp_path / "postgresql" / "cell-pool-a" / "server.pid").unlink()
    again = servers.ensure("cell-pool-a", "16.8")
    assert not lost.running
    assert value(again.superuser_dsn, "SELECT 1") == 1


def test_pidfiles_that_name_a_bystander_leave_it_alone(
    servers: PostgresqlServers, tmp_path: Path
) -> None:
    servers.ensure("cell-pool-a", "16.8")
    servers.stop()
    cluster = tmp_path / "postgresql" / "cell-pool-a"
    # As whom PostgreSQL runs: it takes any process of its own user for a rival.
    owner = (cluster / "data").stat().st_uid
    bystander = subprocess.Popen(["sleep", "600"], user=owner if os.geteuid() == 0 else None)
    try:
        (cluster / "data" / "postmaster.pid").write_text(f"{bystander.pid}\n/elsewhere\n0\n")
        stat = Path(f"/proc/{bystander.pid}/stat").read_text().split()
        stat[21] = "1"
        boot = process.BOOT_ID.read_text().strip()
        (cluster / "server.pid").write_text(f"{boot} {' '.join(stat)}\n")
        again = servers.ensure("cell-pool-a", "16.8")
        assert value(again.superuser_dsn, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_an_interrupted_initialisation_is_started_over(
    servers: PostgresqlServers, tmp_path: Path
) -> None:
    half = tmp_path / "postgresql" / "cell-pool-a" / "data.unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("16\n")
    server = servers.ensure("cell-pool-a", "16.8")
    assert value(server.superuser_dsn, "SELECT 1") == 1
    assert not half.exists()


@pytest.mark.parametrize("moment", [0.05, 0.3, 0.6])
def test_a_start_that_is_interrupted_can_be_repeated(
    servers: PostgresqlServers, tmp_path: Path, moment: float
) -> None:
    child = subprocess.Popen(_starter(tmp_path / "postgresql"), cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"starting\n"
    time.sleep(moment)
    child.send_signal(signal.SIGINT)
    child.communicate()
    server = servers.ensure("cell-pool-a", "16.8")
    assert value(server.deployer_dsn(), "SELECT 1") == 1
    assert len(_postmasters(tmp_path)) == 1


def test_two_starts_at_once_make_one_server(servers: PostgresqlServers, tmp_path: Path) -> None:
    command = _starter(tmp_path / "postgresql")
    children = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
    said = [child.communicate()[0] for child in children]
    assert said[0] == said[1]
    assert len(_postmasters(tmp_path)) == 1
    assert [status.state for status in servers.status()] == ["running"]


def test_a_deep_path_with_spaces_and_quotes_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / "a clone of 'mine', née $HOME" / Path(*["deep" * 10] * 8)
    servers = PostgresqlServers(deep)
    try:
        server = servers.ensure("cell-pool-a", "18.1")
        assert len(str(server.socket_directory)) < 60
        assert value(server.superuser_dsn, "SELECT 1") == 1
        assert value(server.deployer_dsn(), "SELECT 1") == 1
    finally:
        servers.stop()


def test_removing_a_cluster_leaves_nothing_of_it(
    servers: PostgresqlServers, tmp_path: Path
) -> None:
    server = servers.ensure("cell-pool-a", "16.8")
    servers.remove("cell-pool-a")
    servers.remove("cell-pool-a")
    assert not (tmp_path / "postgresql" / "cell-pool-a").exists()
    assert not server.socket_directory.exists()
    assert _postmasters(tmp_path) == []
    assert servers.status() == []


@pytest.mark.parametrize("name", ["", "../escape", "Upper", "a b", "x" * 64, "1st"])
def test_only_names_of_database_clusters_become_directories(
    servers: PostgresqlServers, name: str
) -> None:
    with pytest.raises(ValueError, match="no name of a database cluster"):
        servers.ensure(name, "16.8")


def test_an_ordinary_user_can_do_the_same() -> None:
    account = Account.current()
    # Near the root: where others may not search, it would be no ordinary user's.
    home = Path(tempfile.mkdtemp(prefix="patchworks-test-", dir="/tmp"))
    account.own(home)
    code = (
        "import os, sys, psycopg; from pathlib import Path;"
        "from rehearsal.servers.postgresql import PostgresqlServers;"
        "servers = PostgresqlServers(Path(sys.argv[1]) / 'postgresql');"
        "server = servers.ensure('cell-pool-a', '16.8');"
        "print(psycopg.connect(server.deployer_dsn()).execute('SELECT 1').fetchone()[0]);"
        "print(servers.stop(), os.geteuid())"
    )
    try:
        answer = subprocess.run(
            # The interpreter may lie where only root reads, so root's prefix keeps that right.
            [*account.prefix, sys.executable, "-c", code, str(home)],
            cwd=ROOT,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home)},
            capture_output=True,
            text=True,
        )
        assert (answer.stdout, answer.stderr) == (f"1\n1 {account.user}\n", "")
        assert account.user != 0
    finally:
        shutil.rmtree(home)


def _starter(directory: Path) -> list[str]:
    code = (
        "import sys; from pathlib import Path;"
        "from rehearsal.servers.postgresql import PostgresqlServers;"
        "print('starting', flush=True);"
        "print(PostgresqlServers(Path(sys.argv[1])).ensure('cell-pool-a', '16.8'))"
    )
    return [sys.executable, "-c", code, str(directory)]


def _postmasters(directory: Path) -> list[int]:
    """The postmasters that work below a directory; their children have titles without a path.

    Of a child that was forked a moment ago the title is still its parent's.
    """
    parents = {}
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if command[0].endswith(b"/postgres") and os.fsencode(directory) in command[-2]:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(stat[1])
        except OSError:
            continue
    return [server for server, parent in parents.items() if parent not in parents]


def test_the_server_knows_itself_by_its_superuser(servers: PostgresqlServers) -> None:
    server: PostgresqlServer = servers.ensure("cell-pool-a", "18.1")
    assert value(server.superuser_dsn, "SELECT current_user") == "postgres"
    assert "password" not in server.superuser_dsn
