"""A tenant's components applied to the local cloud: real roles, real refusals, real connections."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import applying
import psycopg
import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_postgresql as postgresql
import pulumi_random as random
import pytest

from components.postgresql.tenant_database import TenantDatabase
from rehearsal.local_cloud import LocalCloud
from rehearsal.outcome import Outcome
from rehearsal.servers.postgresql import PostgresqlServer
from rehearsal.state import StackState


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalCloud, Any]]:
    cloud = LocalCloud(tmp_path_factory.mktemp("clone") / ".patchworks")
    server = cloud.postgresql.ensure("cell-pool-a", "16.8")
    yield cloud, server
    cloud.reset()


def apply(cloud: LocalCloud, stack: str, program: Callable[[], dict[str, Any]]) -> Outcome:
    return applying.apply(cloud, stack, program, generation="of no concern to PostgreSQL")


def tenants(server: PostgresqlServer, *names: str, limit: int = 5) -> Callable[[], dict[str, Any]]:
    def program() -> dict[str, Any]:
        provider = postgresql.Provider(
            "cell",
            host=server.host,
            port=server.port,
            username="patchworks_deployer",
            superuser=False,
            aws_rds_iam_auth=True,
            sslmode="verify-full",
        )
        passwords = random.Provider("passwords")
        exports = {}
        for name in names:
            password = random.RandomPassword(
                f"{name}-password", length=32, opts=pulumi.ResourceOptions(provider=passwords)
            )
            TenantDatabase(
                name,
                tenant=name,
                application_password=password.result,
                connection_limit=limit,
                opts=pulumi.ResourceOptions(providers={"postgresql": provider}),
            )
            exports[name] = password.result
        return exports

    return program


def login(server: PostgresqlServer, tenant: str, password: str, database: str) -> Any:
    return psycopg.connect(
        host=server.host,
        port=server.port,
        user=f"{tenant}_app",
        password=password,
        dbname=database,
        autocommit=True,
    )


def test_each_tenant_opens_its_own_database_and_no_other(server: tuple[LocalCloud, Any]) -> None:
    cloud, postgres = server
    first = apply(cloud, "tenant.pair", tenants(postgres, "acme", "beta"))
    assert set(first.counts()) == {"create"}
    exports = StackState.open(cloud.stack_state("tenant.pair"), cloud.secrets).exports
    passwords = {name: str(secret.value) for name, secret in exports.items()}
    assert all(p not in cloud.stack_state("tenant.pair").read_text() for p in passwords.values())
    for tenant, password in passwords.items():
        with login(postgres, tenant, password, tenant) as connection:
            with connection.transaction():
                connection.execute(f"SET LOCAL ROLE {tenant}_owner".encode())
                connection.execute("CREATE TABLE orders (id int)")
            connection.execute("INSERT INTO orders VALUES (1)")
        for closed in {"acme", "beta", "postgres"} - {tenant}:
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                login(postgres, tenant, password, closed)


def test_a_second_time_changes_nothing_and_a_limit_changes_only_limits(
    server: tuple[LocalCloud, Any],
) -> None:
    cloud, postgres = server
    apply(cloud, "tenant.pair", tenants(postgres, "acme", "beta"))
    assert set(apply(cloud, "tenant.pair", tenants(postgres, "acme", "beta")).counts()) == {"same"}
    changed = apply(cloud, "tenant.pair", tenants(postgres, "acme", "beta", limit=9))
    assert {
        (event.name, event.changed) for event in changed.events if event.operation == "update"
    } == {
        (f"{tenant}-{part}", ("connectionLimit",))
        for tenant in ("acme", "beta")
        for part in ("application", "database")
    }
    with psycopg.connect(postgres.superuser_dsn) as connection:
        limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'acme_app'"
        assert connection.execute(limit.encode()).fetchone() == (9,)


def test_a_deployment_with_another_selector_is_replaced_under_its_name(
    server: tuple[LocalCloud, Any],
) -> None:
    cloud, _ = server
    configuration = "{clusters: [{name: cell}], users: []}"

    def program(label: str, replicas: int) -> dict[str, Any]:
        provider = kubernetes.Provider("cluster", kubeconfig=configuration)
        opts = pulumi.ResourceOptions(provider=provider)
        namespace = kubernetes.core.v1.Namespace("space", metadata={"name": "acme"}, opts=opts)
        labels = {"app": label}
        kubernetes.apps.v1.Deployment(
            "web",
            metadata={"name": "web", "namespace": namespace.metadata.name},
            spec={
                "replicas": replicas,
                "selector": {"match_labels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "web", "image": "example.com/web:1"}]},
                },
            },
            opts=opts,
        )
        return {}

    def outcome(label: str, replicas: int) -> Counter[str]:
        done = apply(cloud, "tenant.objects", lambda: program(label, replicas))
        assert {event.fidelity for event in done.events} == {"validated"}
        return done.counts()

    assert outcome("a", 2) == {"create": 2}
    assert outcome("a", 2) == {"same": 2}
    assert outcome("a", 3) == {"same": 1, "update": 1}
    assert outcome("b", 3) == {"same": 1, "replace": 1}
    assert outcome("b", 3) == {"same": 2}
