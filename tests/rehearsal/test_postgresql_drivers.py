"""Every statement runs on a real server, as the deployer that a cell's bootstrap makes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rehearsal.drivers.postgresql import DRIVERS
from rehearsal.drivers.postgresql_session import PrivilegeUnchanged
from rehearsal.servers.postgresql import PostgresqlServer, PostgresqlServers

HOSTILE_PASSWORD = "a!b@c$d()e*_,/:;=?%41 'q\"\\ ünï\N{SNOWMAN}"
HOSTILE_NAMES = [
    "with space",
    "quo\"te's",
    "per%cent%s",
    "at@slash/colon:semi;",
    "$dollar$",
    "ünïcode☃",
    "{brace}",
    "select",
    "back\\slash",
    "-- comment",
]


@dataclass
class Cloud:
    """The local cloud as a PostgreSQL provider sees it, with nothing beside."""

    postgresql: PostgresqlServers
    provider: dict[str, Any]
    server: PostgresqlServer
    account: str = ""
    region: str = ""
    made: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = field(default_factory=list)

    def make(self, kind: str, logical: str = "it", /, **inputs: Any) -> tuple[str, dict[str, Any]]:
        id, outputs = driver(kind).create(logical, inputs, self)
        self.made.append((kind, id, inputs, outputs))
        return id, outputs

    def clear(self) -> None:
        for kind, id, inputs, outputs in reversed(self.made):
            driver(kind).delete(id, inputs, outputs, self)

    def connect(self, role: str, password: str, database: str = "template1") -> Any:
        return psycopg.connect(
            host=self.server.host,
            port=self.server.port,
            user=role,
            password=password,
            dbname=database,
            autocommit=True,
        )

    def ask(self, query: str, *parameters: object, database: str = "postgres") -> Any:
        with psycopg.connect(self.server.superuser_dsn, dbname=database) as connection:
            row = connection.execute(query.encode(), parameters).fetchone()
            return row and row[0]


def driver(kind: str) -> Any:
    return DRIVERS[f"postgresql:index/{kind[0].lower()}{kind[1:]}:{kind}"]


@pytest.fixture(scope="module", params=["16.8", "18.1"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[PostgresqlServers, PostgresqlServer, Path]]:
    directory = tmp_path_factory.mktemp("postgresql")
    servers = PostgresqlServers(directory)
    yield servers, servers.ensure("cell-pool-a", request.param), directory
    servers.stop()


@pytest.fixture
def cloud(running: tuple[PostgresqlServers, PostgresqlServer, Path]) -> Iterator[Cloud]:
    servers, server, _ = running
    provider = {
        "host": server.host,
        "port": server.port,
        "username": "patchworks_deployer",
        "superuser": "false",
    }
    cloud = Cloud(servers, provider, server)
    yield cloud
    cloud.clear()
    strays = "SELECT count(*) FROM pg_roles WHERE rolname !~ '^(pg_|rds_|postgres|patchworks_)'"
    assert cloud.ask(strays) == 0
    assert cloud.ask("SELECT count(*) FROM pg_database") == 3


@pytest.fixture
def tenant(cloud: Cloud) -> Cloud:
    """A tenant's database as its component declares it, up to the grants."""
    cloud.make("Role", name="acme_owner")
    cloud.make("GrantRole", role="patchworks_deployer", grantRole="acme_owner")
    cloud.make("Role", name="acme_app", login=True, password="app", roles=["acme_owner"])
    cloud.make("Role", name="acme_read", login=True, password="read")
    cloud.make("Role", name="stranger", login=True, password="stranger")
    cloud.make("Database", name="acme", owner="acme_owner", lcCollate="C", connectionLimit=7)
    return cloud


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_and_passwords_work_end_to_end(cloud: Cloud, name: str) -> None:
    cloud.make("Role", name=name, login=True, password=HOSTILE_PASSWORD, searchPaths=[name, "x"])
    cloud.make("Database", name=name, owner=name)
    cloud.make("Schema", name=name, database=name, owner=name)
    cloud.make("Grant", role="public", database=name, objectType="database", privileges=[])
    cloud.make(
        "Grant", role=name, database=name, objectType="schema", schema=name, privileges=["USAGE"]
    )
    cloud.make(
        "DefaultPrivileges",
        role=name,
        owner=name,
        database=name,
        schema=name,
        objectType="table",
        privileges=["SELECT"],
    )
    with cloud.connect(name, HOSTILE_PASSWORD, name) as connection:
        assert connection.execute("SELECT current_user").fetchone()[0] == name
    with pytest.raises(psycopg.OperationalError):
        cloud.connect(name, HOSTILE_PASSWORD + " ", name)


def test_no_password_reaches_the_servers_log(
    cloud: Cloud, running: tuple[PostgresqlServers, PostgresqlServer, Path]
) -> None:
    id, outputs = cloud.make("Role", name="quiet", login=True, password="n0t-for-the-log")
    inputs = {"name": "quiet", "login": True, "password": "n0t-for-the-log-e1ther"}
    driver("Role").update(id, cloud.made[-1][2], inputs, outputs, cloud)
    with pytest.raises(psycopg.errors.DuplicateObject):
        cloud.make("Role", "other", name="quiet", login=True, password="n0t-for-the-log")
    log = (running[2] / "cell-pool-a" / "server.log").read_text()
    assert 'role "quiet" already exists' in log
    assert "n0t-for" not in log
    assert "SCRAM" not in log
    assert "SCRAM-SHA-256" in cloud.ask("SELECT rolpassword FROM pg_authid WHERE rolname = 'quiet'")


def test_a_role_changes_in_place_and_its_password_only_when_it_is_new(cloud: Cloud) -> None:
    old = {"name": "worker", "login": True, "password": "one", "connectionLimit": 3}
    id, outputs = cloud.make("Role", **old)
    verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = 'worker'"
    first = cloud.ask(verifier)
    new = old | {"connectionLimit": 9, "createDatabase": True, "statementTimeout": 1500}
    driver("Role").update(id, old, new, outputs, cloud)
    assert cloud.ask(verifier) == first
    row = "SELECT ARRAY[rolconnlimit::text, rolcreatedb::text, rolconfig[1]] FROM pg_roles"
    assert cloud.ask(f"{row} WHERE rolname = 'worker'") == ["9", "true", "statement_timeout=1500"]
    driver("Role").update(id, new, old | {"password": "two", "login": True}, outputs, cloud)
    assert cloud.ask(f"{row} WHERE rolname = 'worker'") == ["3", "false", None]
    with cloud.connect("worker", "two"):
        pass


def test_a_role_keeps_what_it_has_when_nothing_of_it_changes(cloud: Cloud) -> None:
    inputs = {"name": "worker", "login": True, "password": "one"}
    id, outputs = cloud.make("Role", **inputs)
    assert driver("Role").update(id, inputs, dict(inputs), outputs, cloud) == outputs


def test_a_role_and_a_database_can_be_renamed(cloud: Cloud) -> None:
    role = {"name": "before", "login": True, "password": "kept"}
    id, outputs = cloud.make("Role", **role)
    renamed = driver("Role").update(id, role, role | {"name": "after"}, outputs, cloud)
    cloud.made[-1] = ("Role", id, role, renamed)
    with cloud.connect("after", "kept"):
        pass
    database = {"name": "old", "owner": "after"}
    id, outputs = cloud.make("Database", **database)
    renamed = driver("Database").update(id, database, database | {"name": "new"}, outputs, cloud)
    cloud.made[-1] = ("Database", id, database, renamed)
    assert cloud.ask("SELECT count(*) FROM pg_database WHERE datname = 'new'") == 1


def test_a_name_that_is_not_given_is_made_from_the_logical_one(cloud: Cloud) -> None:
    first, _ = cloud.make("Role", "reader")
    second, _ = cloud.make("Role", "reader2")
    assert first.startswith("reader-")
    assert first != second


def test_a_superuser_cannot_be_made_as_on_rds(cloud: Cloud) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        cloud.make("Role", name="root", superuser=True)


def test_a_creation_that_was_cut_short_is_taken_up_again(cloud: Cloud) -> None:
    for _ in range(2):
        cloud.make("Role", "acme-owner", name="acme_owner", login=True, password="p")
    for _ in range(2):
        cloud.make("Database", "acme-database", name="acme", owner="acme_owner")
    with pytest.raises(psycopg.errors.DuplicateObject):
        cloud.make("Role", "acme-owner", name="acme_owner")
    with pytest.raises(psycopg.errors.DuplicateDatabase):
        cloud.make("Database", "another", name="acme", owner="acme_owner")


def test_only_those_named_can_open_a_tenants_database(tenant: Cloud) -> None:
    with tenant.connect("stranger", "stranger", "acme"):
        pass
    tenant.make("Grant", role="public", database="acme", objectType="database", privileges=[])
    for role, privileges in (("acme_app", ["CONNECT", "TEMPORARY"]), ("acme_read", ["CONNECT"])):
        grant = {"role": role, "database": "acme", "objectType": "database"}
        tenant.make("Grant", **grant, privileges=privileges)
    with pytest.raises(psycopg.OperationalError, match="does not have CONNECT"):
        tenant.connect("stranger", "stranger", "acme")
    for role in ("app", "read"):
        with tenant.connect(f"acme_{role}", role, "acme"):
            pass


def test_a_grant_is_exactly_what_is_listed_and_replaces_what_was(tenant: Cloud) -> None:
    with tenant.connect("acme_app", "app", "acme") as connection:
        connection.execute("SET ROLE acme_owner")
        connection.execute("CREATE TABLE orders (id int, note text)")
        connection.execute("CREATE TABLE other (id int)")
    held = (
        "SELECT array_agg(privilege_type::text ORDER BY privilege_type)"
        " FROM information_schema.role_table_grants"
        " WHERE grantee = 'acme_read' AND table_name = %s"
    )
    old = {
        "role": "acme_read",
        "database": "acme",
        "schema": "public",
        "objectType": "table",
        "objects": ["orders"],
        "privileges": ["SELECT", "INSERT"],
    }
    id, outputs = tenant.make("Grant", **old)
    assert tenant.ask(held, "orders", database="acme") == ["INSERT", "SELECT"]
    assert tenant.ask(held, "other", database="acme") is None
    driver("Grant").update(id, old, old | {"privileges": ["UPDATE"]}, outputs, tenant)
    assert tenant.ask(held, "orders", database="acme") == ["UPDATE"]
    tenant.make("Grant", **{**old, "objects": [], "privileges": ["SELECT"]})
    assert tenant.ask(held, "other", database="acme") == ["SELECT"]
    column = {"objects": ["orders"], "objectType": "column", "columns": ["note"]}
    tenant.make("Grant", **{**old, **column, "privileges": ["UPDATE"]})
    assert driver("Grant").replaced_by >= {"role", "objects", "schema"}


def test_default_privileges_reach_what_the_owner_makes_later(tenant: Cloud) -> None:
    default = {"owner": "acme_owner", "role": "acme_read", "database": "acme"}
    tenant.make("DefaultPrivileges", **default, objectType="table", privileges=["SELECT"])
    schema = {"schema": "public", "objectType": "schema", "privileges": ["USAGE"]}
    tenant.make("Grant", role="acme_read", database="acme", **schema)
    with tenant.connect("acme_app", "app", "acme") as connection:
        connection.execute("SET ROLE acme_owner")
        connection.execute("CREATE TABLE later AS SELECT 1 AS id")
    with tenant.connect("acme_read", "read", "acme") as connection:
        assert connection.execute("SELECT id FROM later").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM later")


def test_a_privilege_that_postgresql_only_warns_about_is_a_failure(cloud: Cloud) -> None:
    """Without membership in the owner the real provider reports success and changes nothing."""
    superuser = psycopg.connect(cloud.server.superuser_dsn, autocommit=True)
    superuser.execute("CREATE DATABASE foreign_one")
    try:
        with pytest.raises(PrivilegeUnchanged, match="REVOKE ALL PRIVILEGES ON DATABASE"):
            cloud.make(
                "Grant",
                role="public",
                database="foreign_one",
                objectType="database",
                privileges=[],
            )
    finally:
        superuser.execute("DROP DATABASE foreign_one")
        superuser.close()


@pytest.mark.parametrize(
    ("kind", "privilege"),
    [("database", "SELECT"), ("table", "select; DROP ROLE x"), ("moon", "ALL")],
)
def test_privileges_are_words_that_the_kind_of_object_knows(
    tenant: Cloud, kind: str, privilege: str
) -> None:
    with pytest.raises(ValueError, match=kind):
        tenant.make(
            "Grant",
            role="acme_read",
            database="acme",
            schema="public",
            objectType=kind,
            privileges=[privilege],
        )


def test_a_database_changes_owner_and_limits_in_place(tenant: Cloud) -> None:
    kind, id, old, outputs = tenant.made[-1]
    new = old | {"owner": "acme_read", "connectionLimit": 11}
    changed = driver("Database").update(id, old, new, outputs, tenant)
    tenant.made[-1] = (kind, id, new, changed)
    facts = "SELECT ARRAY[pg_get_userbyid(datdba), datconnlimit::text] FROM pg_database"
    assert tenant.ask(f"{facts} WHERE datname = 'acme'") == ["acme_read", "11"]
    assert (changed["owner"], changed["lcCollate"], changed["encoding"]) == (
        "acme_read",
        "C",
        "UTF8",
    )


def test_a_database_is_dropped_with_its_sessions(tenant: Cloud) -> None:
    _, id, inputs, outputs = tenant.made[-1]
    with tenant.connect("acme_app", "app", "acme") as session:
        driver("Database").delete(id, inputs, outputs, tenant)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    driver("Database").delete(id, inputs, outputs, tenant)


def test_a_deleted_role_leaves_what_it_owned_to_the_deployer(cloud: Cloud) -> None:
    cloud.make("Role", name="leaving", login=True, password="p")
    cloud.make("Database", name="left", owner="leaving")
    kind, id, inputs, outputs = cloud.made.pop(0)
    driver(kind).delete(id, inputs, outputs, cloud)
    driver(kind).delete(id, inputs, outputs, cloud)
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'left'"
    assert cloud.ask(owner) == "patchworks_deployer"
    cloud.made = [("Database", "left", {}, {"name": "left", "owner": "patchworks_deployer"})]


def test_grants_outlive_neither_their_role_nor_their_database(tenant: Cloud) -> None:
    grant = {"role": "acme_read", "database": "acme", "objectType": "database"}
    id, outputs = tenant.make("Grant", **grant, privileges=["CONNECT"])
    kind, database, inputs, made = tenant.made[-2]
    assert kind == "Database"
    driver("Database").delete(database, inputs, made, tenant)
    driver("Grant").delete(id, grant, outputs, tenant)


def test_an_extension_is_made_and_dropped(tenant: Cloud) -> None:
    # `plpgsql` is the only one that comes with every server; it can be taken over.
    _, outputs = tenant.make("Extension", name="plpgsql", database="acme")
    tenant.made.pop()
    assert outputs["schema"] == "pg_catalog"


def test_a_provider_of_no_local_server_is_refused(cloud: Cloud) -> None:
    cloud.provider = {"host": "db.example.com", "port": 5432}
    with pytest.raises(LookupError, match=r"db\.example\.com:5432"):
        cloud.make("Role", name="nobody_makes_this")
