"""A tenant's database on real PostgreSQL servers: it opens to its own tenant and to nobody else.

The program is evaluated, and its statements run on servers of the local cloud as a role without
superuser rights, as on Aurora.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psycopg
import pulumi
import pulumi_postgresql
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from components.postgresql.deployer import DEPLOYER
from components.postgresql.tenant_database import TenantDatabase
from rehearsal.drivers.postgresql import DRIVERS
from rehearsal.evaluation import evaluate_program
from rehearsal.servers.postgresql import PostgresqlServer, PostgresqlServers
from rehearsal.values import redact, reveal

HOSTILE = "a!b@c$d()e*_,/:;=?'\"\\"
TENANTS = ("acme", "umbrella-labs")


def program(host: str = "pool-a", port: int = 5432, password: pulumi.Input[str] = HOSTILE):
    def declare() -> dict[str, Any]:
        provider = pulumi_postgresql.Provider(
            "server", host=host, port=port, username=DEPLOYER, superuser=False
        )
        made = [
            TenantDatabase(
                tenant,
                tenant=tenant,
                application_password=password,
                connection_limit=40,
                opts=pulumi.ResourceOptions(providers={"postgresql": provider}),
            )
            for tenant in TENANTS
        ]
        return {"database": made[0].database_name, "role": made[0].application_role}

    return declare


@dataclass(frozen=True)
class ServerCloud:
    """The part of the local cloud that PostgreSQL's drivers see."""

    provider: dict[str, Any]
    postgresql: PostgresqlServers


@dataclass(frozen=True)
class Made:
    server: PostgresqlServer
    cloud: ServerCloud
    applied: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]]

    def connect(self, database: str, user: str, password: str = HOSTILE) -> psycopg.Connection[Any]:
        dsn = make_conninfo(
            host=self.server.host,
            port=self.server.port,
            dbname=database,
            user=user,
            password=password,
        )
        return psycopg.connect(dsn, autocommit=True)

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(make_conninfo(self.server.superuser_dsn, dbname=database))


@pytest.fixture(scope="module", params=["16.8", "18.1"])
def made(request, tmp_path_factory):
    servers = PostgresqlServers(tmp_path_factory.mktemp("servers"))
    server = servers.ensure("pool-a", request.param)
    cloud = ServerCloud({"host": server.host, "port": server.port, "username": DEPLOYER}, servers)
    graph = evaluate_program(program(server.host, server.port))
    applied = {}
    for resource in graph.resources.values():
        if driver := DRIVERS.get(resource.type):
            inputs = reveal(resource.inputs)
            id, outputs = driver.create(resource.name, inputs, cloud)
            applied[resource.name] = (resource.type, id, inputs, inputs | outputs)
    made = Made(server, cloud, applied)
    deployer = made.connect("acme", DEPLOYER, server.deployer.password)
    with deployer:
        deployer.execute("SET ROLE acme_owner")
        deployer.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, note text)")
        deployer.execute("CREATE SCHEMA billing")
        deployer.execute("CREATE TABLE billing.invoices (id int PRIMARY KEY)")
    with made.superuser() as connection:
        for login in ("reporter", "stray"):
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'report'").format(sql.Identifier(login))
            )
        connection.execute("GRANT acme_read TO reporter")
    yield made
    servers.stop()


def test_the_deployer_is_no_superuser(made):
    with made.superuser() as connection:
        row = connection.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = %s", [DEPLOYER]
        ).fetchone()
    assert row == (False,)


def test_the_application_works_with_what_the_owner_made(made):
    with made.connect("acme", "acme_app") as connection:
        connection.execute("INSERT INTO orders (note) VALUES ('first'), ('second')")
        connection.execute("UPDATE orders SET note = 'changed' WHERE id = 1")
        connection.execute("DELETE FROM orders WHERE id = 2")
        assert connection.execute("SELECT note FROM orders").fetchall() == [("changed",)]
        connection.execute("INSERT INTO billing.invoices VALUES (1)")
        connection.execute("CREATE TEMPORARY TABLE scratch (id int)")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "DROP TABLE orders",
        "TRUNCATE orders",
        "ALTER TABLE orders ADD COLUMN extra int",
        "CREATE ROLE another",
    ],
)
def test_the_application_changes_no_schema_by_accident(made, statement):
    with (
        made.connect("acme", "acme_app") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_a_migration_becomes_the_owner_deliberately_and_its_tables_are_usable_at_once(made):
    with made.connect("acme", "acme_app") as connection:
        with connection.transaction():
            connection.execute("SET LOCAL ROLE acme_owner")
            connection.execute("CREATE TABLE migrated (id int)")
        connection.execute("INSERT INTO migrated VALUES (1)")
    with made.connect("acme", "reporter", "report") as connection:
        assert connection.execute("SELECT id FROM migrated").fetchall() == [(1,)]


def test_reports_read_and_write_nothing(made):
    with made.connect("acme", "reporter", "report") as connection:
        connection.execute("SELECT count(*) FROM orders")
        connection.execute("SELECT count(*) FROM billing.invoices")
        for statement in ("INSERT INTO orders (note) VALUES ('x')", "CREATE TEMP TABLE t (id int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


@pytest.mark.parametrize(
    ("user", "password", "database"),
    [
        ("acme_app", HOSTILE, "umbrella_labs"),
        ("umbrella_labs_app", HOSTILE, "acme"),
        ("acme_app", HOSTILE, "postgres"),
        ("reporter", "report", "umbrella_labs"),
        ("stray", "report", "acme"),
    ],
)
def test_nobody_opens_a_database_that_is_not_theirs(made, user, password, database):
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        made.connect(database, user, password)


@pytest.mark.parametrize("role", ["acme_owner", "acme_read"])
def test_neither_owner_nor_readers_log_in_themselves(made, role):
    with pytest.raises(psycopg.OperationalError, match=r"(?i)not permitted to log in|password"):
        made.connect("acme", role)


def test_a_wrong_password_opens_nothing(made):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        made.connect("acme", "acme_app", HOSTILE + " ")


def test_limits_leave_room_beside_the_application(made):
    with made.superuser() as connection:
        query = "SELECT rolconnlimit, datconnlimit FROM pg_roles, pg_database WHERE rolname = %s"
        row = connection.execute(query + " AND datname = %s", ["acme_app", "acme"]).fetchone()
    assert row == (40, 50)


def test_text_is_ordered_by_code_point_so_that_indexes_survive_a_move(made):
    with made.superuser("acme") as connection:
        query = "SELECT datcollate, pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'acme'"
        assert connection.execute(query).fetchone() == ("C", "acme_owner")


def test_after_its_removal_the_database_keeps_its_data_and_lets_nobody_in(made):
    kept = {"postgresql:index/database:Database", "postgresql:index/role:Role"}
    for type, id, inputs, outputs in reversed(made.applied.values()):
        if "umbrella" in str(inputs) and type not in kept and "GrantRole" not in type:
            DRIVERS[type].delete(id, inputs, outputs, made.cloud)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        made.connect("umbrella_labs", "umbrella_labs_app")
    with made.superuser("umbrella_labs") as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("umbrella_labs",)


def test_data_and_roles_outlive_their_removal_from_the_program():
    graph = evaluate_program(program())
    database = graph.named("acme-database")
    assert (database.protect, database.retain_on_delete) == (True, True)
    kept = {r.name for r in graph.resources.values() if r.retain_on_delete and "acme" in r.name}
    assert kept == {
        "acme-database",
        "acme-owner",
        "acme-deployer",
        "acme-application",
        "acme-read-only",
    }


def test_no_two_statements_of_a_tenant_run_at_once():
    graph = evaluate_program(program())
    chain = [r for r in graph.resources.values() if r.custom and r.name.startswith("acme-")]
    assert len(chain) == 17
    for before, after in pairwise(chain):
        assert before.urn in after.dependencies, f"{after.name} may run along with {before.name}"


def test_a_database_waits_for_the_cluster_to_be_prepared():
    def declare() -> dict[str, Any]:
        provider = pulumi_postgresql.Provider("server", host="pool-a", username=DEPLOYER)
        prepared = pulumi_postgresql.Role(
            "prepared", opts=pulumi.ResourceOptions(provider=provider)
        )
        TenantDatabase(
            "acme",
            tenant="acme",
            application_password=HOSTILE,
            connection_limit=40,
            opts=pulumi.ResourceOptions(providers={"postgresql": provider}, depends_on=[prepared]),
        )
        return {}

    graph = evaluate_program(declare)
    awaited = graph.named("prepared").urn
    children = [r for r in graph.resources.values() if r.custom and r.name.startswith("acme-")]
    assert all(awaited in child.dependencies for child in children)


def test_the_password_is_secret_even_where_the_caller_gave_it_in_clear():
    graph = evaluate_program(program(password=HOSTILE))
    assert graph.named("acme-application").secrets == ("password",)
    shown = json.dumps([[redact(r.inputs), redact(r.outputs)] for r in graph.resources.values()])
    assert json.dumps(HOSTILE)[1:-1] not in shown


def test_a_first_preview_shows_the_same_resources_as_a_later_one():
    known = evaluate_program(program())
    unknown = evaluate_program(program(), known=False)
    assert set(known.resources) == set(unknown.resources)
    assert known.exports == {"database": "acme", "role": "acme_app"}
