"""Pods' PgBouncers paused and led elsewhere through a cluster's API: real PgBouncer, psql, moto."""

from __future__ import annotations

import pickle
import threading
import time
from typing import TYPE_CHECKING, Any

import boto3
import psycopg
import pytest
from cluster_kit import ClusterApi
from moto.server import ThreadedMotoServer
from pods_kit import PoolerPod, understood

from catalog import names
from catalog.load import find_root, load
from components.kubernetes.pooler_config import PooledDatabase, configuration, user_list
from database_moves.database import Database
from database_moves.errors import AbortedError, MoveError
from database_moves.poolers.pgbouncer import way
from database_moves.poolers.pooler import PoolerUnreachableError
from rehearsal.servers.postgresql import PostgresqlServers
from tenant_moves import cluster as clusters
from tenant_moves import pod_command, pod_pooler
from tenant_moves.cluster import Address, Cluster

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from rehearsal.servers.postgresql_server import PostgresqlServer
    from tenant_moves.pod_pooler import PodPgBouncer

pytestmark = pytest.mark.needs_pgbouncer

CATALOG = load(find_root())
CELL = CATALOG.cells["prod-eu-west-1"]
TENANT = "brightwater"
DATABASE, APP = "brightwater", "brightwater_app"
REPLICA = "brightwater_replica"
ALIASES = {DATABASE: DATABASE, f"{DATABASE}_read": REPLICA}
PASSWORD = 'p\'w "x" %41@:/$;ü'


class MotoAws:
    """AWS on a moto; it can be pickled, as what goes into the guard has to be."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, service: str, account: str, region: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=account,
            aws_secret_access_key="s/e+cret",
        )

    def rclone(self, account: str, region: str) -> dict[str, str]:
        raise NotImplementedError


@pytest.fixture(scope="module")
def aws() -> Iterator[MotoAws]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield MotoAws(f"http://{host}:{port}")
    server.stop()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostgresqlServer, ...]]:
    """The two sides, each with the tenant's database."""
    found = PostgresqlServers(tmp_path_factory.mktemp("servers") / "postgresql")
    pair = found.ensure("cell-pool-a", "16.8"), found.ensure("cell-pool-b", "18.1")
    for server in pair:
        with psycopg.connect(server.superuser_dsn, autocommit=True) as session:
            literal = psycopg.sql.Literal(PASSWORD)
            session.execute(
                psycopg.sql.SQL("CREATE ROLE brightwater_app LOGIN PASSWORD {}").format(literal)
            )
            session.execute("CREATE DATABASE brightwater")
            # Stands for the readers, which have an address of their own.
            session.execute("CREATE DATABASE brightwater_replica")
    yield pair
    found.stop()


@pytest.fixture
def api(
    servers: tuple[PostgresqlServer, ...],
    aws: MotoAws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ClusterApi]:
    """A cluster with two pods of the pooler, which lead to the source."""
    entries = tuple(
        PooledDatabase(name=alias, host=each.host, port=each.port, database=name, role=APP)
        for alias, name in ALIASES.items()
        for each in servers[:1]
    )
    secret = {
        "pgbouncer.ini": understood(configuration(entries, 40)),
        "userlist.txt": user_list({APP: PASSWORD}),
    }
    pods = {name: PoolerPod(name) for name in ("pooler-0", "pooler-1")}
    name = names.cluster(CATALOG.organization, CELL)
    api = ClusterApi(name, tmp_path, names.namespace(TENANT), secret, pods)
    for pod in pods.values():
        pod.start(secret)
    context: ssl.SSLContext = clusters.ssl.create_default_context(cadata=api.authority)
    known = {(CELL.account, CELL.region, name): Address(api.url, context)}
    monkeypatch.setattr(clusters, "_addresses", known)
    monkeypatch.setattr(clusters, "_pools", {})
    yield api
    api.close()


@pytest.fixture
def poolers(
    api: ClusterApi, aws: MotoAws, servers: tuple[PostgresqlServer, ...]
) -> tuple[PodPgBouncer, ...]:
    source, target = (
        Database(server.mover_dsn(DATABASE), side)
        for server, side in zip(servers, ("source", "target"), strict=True)
    )
    readers = [Database(each.conninfo(dbname=REPLICA), each.side) for each in (source, target)]
    cluster = Cluster.of(CATALOG.organization, CELL, aws)
    ways = [way(source, target), way(*readers)]
    return pod_pooler.poolers(cluster, CELL.name, names.namespace(TENANT), ways)


def leads(api: ClusterApi) -> set[int]:
    """The servers that clients of any pod end up at, whether they write or read."""
    return {
        pod.leads_to(name, APP, PASSWORD)
        for pod in api.pods.values()
        for name in (DATABASE, f"{DATABASE}_read")
    }


def test_clients_of_both_pods_wait_through_a_pause_and_go_on_at_the_other_side(
    api: ClusterApi, poolers: tuple[PodPgBouncer, ...], servers: tuple[PostgresqlServer, ...]
) -> None:
    assert [each.described for each in poolers] == [
        f"PgBouncer in the pod {name} of prod-eu-west-1" for name in api.pods
    ]
    assert leads(api) == {servers[0].port}
    for pooler in poolers:
        # Nothing to note, such as that a pause waits until clients leave.
        assert pooler.check(10) == ()
        pooler.hold()
    for pooler in poolers:
        pooler.pause(20)
        assert pooler.state().paused
    ended: list[int] = []
    threads = [
        threading.Thread(target=lambda pod=pod: ended.append(pod.leads_to(DATABASE, APP, PASSWORD)))
        for pod in api.pods.values()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 300
    for pooler in poolers:
        waits = pooler.longest_waits()
        while next(waits) < 0.1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    before = len(api.asked)
    for pooler in poolers:
        pooler.point_at("target")
        assert (pooler.state().points_at, pooler.state().paused) == ("target", True)
    # Within a pause no session is begun: that takes its time.
    assert not [asked for asked in api.asked[before:] if asked.endswith("/exec")]
    assert ended == []
    for pooler in poolers:
        pooler.resume()
        pooler.let_go()
    for thread in threads:
        thread.join(300)
    assert ended == [servers[1].port] * 2
    assert leads(api) == {servers[1].port}


def test_the_secret_says_what_the_stack_would_and_a_pod_that_starts_later_agrees(
    api: ClusterApi, poolers: tuple[PodPgBouncer, ...], servers: tuple[PostgresqlServer, ...]
) -> None:
    for pooler in poolers:
        pooler.point_at("target")
        pooler.point_at("target")
    entries = tuple(
        PooledDatabase(name=alias, host=each.host, port=each.port, database=name, role=APP)
        for alias, name in ALIASES.items()
        for each in servers[1:]
    )
    assert api.secret["pgbouncer.ini"] == understood(configuration(entries, 40))
    assert api.secret["userlist.txt"] == user_list({APP: PASSWORD})
    api.pods["pooler-2"] = PoolerPod("pooler-2")
    api.pods["pooler-2"].start(api.secret)
    assert leads(api) == {servers[1].port}
    for pooler in poolers:
        pooler.point_at("source")
    assert f"port='{servers[0].port}'" in api.secret["pgbouncer.ini"]


def test_a_pause_that_a_transaction_outlasts_is_taken_back(
    api: ClusterApi, poolers: tuple[PodPgBouncer, ...]
) -> None:
    dsn = api.pods["pooler-0"].dsn(DATABASE, APP, PASSWORD)
    with psycopg.connect(dsn) as session:
        session.execute("SELECT 1")
        poolers[0].hold()
        with pytest.raises(AbortedError, match="pod pooler-0"):
            poolers[0].pause(1)
    assert not poolers[0].state().paused
    poolers[0].let_go()


def test_what_holds_a_session_goes_into_another_process_and_works_there(
    poolers: tuple[PodPgBouncer, ...],
) -> None:
    poolers[0].hold()
    poolers[0].pause(20)
    guard: PodPgBouncer = pickle.loads(pickle.dumps(poolers[0]))
    assert guard.state().paused
    guard.resume()
    assert not poolers[0].state().paused
    poolers[0].let_go()


def test_a_pod_that_is_gone_or_has_no_psql_is_told_and_a_stranger_is_not_let_in(
    api: ClusterApi, poolers: tuple[PodPgBouncer, ...]
) -> None:
    api.image_has_psql = False
    with pytest.raises(PoolerUnreachableError, match=r"executable file not found.*needs psql"):
        poolers[0].state()
    api.image_has_psql = True
    held = poolers[1]
    held.hold()
    api.pods["pooler-1"].stop()
    with pytest.raises(MoveError, match="pooler-1"):
        held.state()
    api.lets_in = "somebody-else"
    with pytest.raises(MoveError, match=r"not let in.*let the role"):
        poolers[0].state()
    held.hold()
    assert {caller.partition(":sts::")[0] for caller in api.callers} == {"arn:aws"}


def test_a_pooler_without_a_pod_stops_a_move_that_would_leave_its_clients_behind(
    api: ClusterApi, aws: MotoAws
) -> None:
    for pod in api.pods.values():
        pod.stop()
    api.pods.clear()
    with pytest.raises(MoveError, match="no pod of the pooler runs in tenant-brightwater"):
        pod_pooler.poolers(
            Cluster.of(CATALOG.organization, CELL, aws), CELL.name, names.namespace(TENANT), []
        )


def test_another_authority_s_cluster_is_not_spoken_to(
    api: ClusterApi, poolers: tuple[PodPgBouncer, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (known,) = clusters._addresses
    stranger = Address(api.url, clusters.ssl.create_default_context())
    monkeypatch.setattr(clusters, "_addresses", {known: stranger})
    monkeypatch.setattr(clusters, "_pools", {})
    asked = len(api.asked)
    with pytest.raises(PoolerUnreachableError, match=r"(?i)certificate"):
        poolers[0].state()
    assert len(api.asked) == asked


def test_a_cluster_that_is_not_there_is_a_clear_fault(aws: MotoAws) -> None:
    missing = Cluster(aws, "nowhere", CELL.account, CELL.region)
    with pytest.raises(MoveError, match=r"nowhere can't be found.*bring its cell up"):
        missing.pods("tenant-x", {})


def test_an_api_that_never_answers_a_command_is_told_and_not_waited_for(
    api: ClusterApi, poolers: tuple[PodPgBouncer, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_command, "ANSWER_SECONDS", 1.0)
    api.runs_commands = False
    with pytest.raises(PoolerUnreachableError, match="handshake was not answered"):
        poolers[0].state()
