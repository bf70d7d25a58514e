"""A restored database is looked at beside the one that serves, on a real server; AWS is moto."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import boto3
import psycopg
import pytest
from moto import mock_aws
from psycopg import sql

from catalog.catalog import placements
from catalog.load import find_root, load
from database_moves.database import Database
from delivery.aws_backups import SUFFIX, AwsBackups
from delivery.backups import RestoreError
from delivery.restore_test import targets
from delivery.restored import look
from rehearsal.servers.postgresql import PostgresqlServers

BEGUN = datetime.now(UTC)
CLUSTER = "prod-eu-west-1-pool-a"
ODD = 'a "table" of p\'w %41@:/$;ü'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    servers = PostgresqlServers(tmp_path_factory.mktemp("restored"))
    yield servers.ensure(CLUSTER, "18.1")
    servers.remove(CLUSTER)


@pytest.fixture
def made(server):
    """Makes a database of each side with the same contents, and changes those of one."""

    def make(name, *statements):
        with psycopg.connect(server.superuser_dsn, autocommit=True) as session:
            session.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        dsn = server.superuser_dsn.replace("dbname=postgres", f"dbname={name}")
        with psycopg.connect(dsn, autocommit=True) as session:
            table = sql.Identifier(ODD)
            session.execute(
                sql.SQL("CREATE TABLE {} (id int PRIMARY KEY, body text)").format(table)
            )
            session.execute(
                sql.SQL(
                    "INSERT INTO {} SELECT n, repeat('x', 9000) FROM generate_series(1, 9) n"
                ).format(table)
            )
            session.execute("CREATE TABLE plain (id int); INSERT INTO plain VALUES (1)")
            for each in statements:
                session.execute(each)
        return Database(dsn, "source")

    return make


def test_a_copy_that_has_all_has_no_fault_and_its_rows_are_counted(made):
    # The one that serves has gone on since its backup.
    live = made("live", "INSERT INTO plain SELECT generate_series(2, 9)")
    found = look(live, made("copy"))
    assert (found.tables, found.rows, found.faults) == (2, 10, ())


def test_whatever_a_copy_lacks_is_a_fault_all_of_it_at_once(made):
    live = made("live", "CREATE TABLE gone (id int)", "CREATE VIEW seen AS SELECT 1 AS one")
    copy = made(
        "copy",
        "ALTER TABLE plain ADD COLUMN more int",
        "DELETE FROM plain",
        "ALTER TABLE plain ADD CONSTRAINT positive CHECK (id > 0) NOT VALID",
    )
    assert set(look(live, copy).faults) == {
        "public.gone is not in the copy",
        "public.plain is built in another way in the copy",
        "public.plain is empty in the copy, and has rows",
        "public.seen is not in the copy",
        "the constraint positive of public.plain is not validated",
    }


def test_a_table_that_can_not_be_read_is_a_fault_and_the_others_are_read(made, server):
    live, copy = made("live"), made("copy", "CHECKPOINT")
    with psycopg.connect(copy.dsn) as session:
        (path,) = session.execute(
            "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('plain')"
        ).fetchone()
    Path(path).unlink()
    found = look(live, copy)
    (fault,) = found.faults
    assert fault.startswith("public.plain can't be read: could not open file")
    assert found.rows == 9


@pytest.fixture
def rds(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("rds", region_name="eu-west-1")
        client.create_db_cluster(
            DBClusterIdentifier=CLUSTER,
            Engine="aurora-postgresql",
            MasterUsername="root",
            MasterUserPassword="a-long-password",
        )
        yield client


CELL = SimpleNamespace(region="eu-west-1")


def forget_automated(rds):
    """moto takes a snapshot of each new cluster at once, named by the minute."""
    for each in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        if each["SnapshotType"] == "automated":
            name = each["DBClusterSnapshotIdentifier"]
            rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)


def clusters(rds):
    return {each["DBClusterIdentifier"] for each in rds.describe_db_clusters()["DBClusters"]}


def test_in_aws_the_newest_snapshot_is_restored_beside_its_cluster_and_removed(rds):
    for name in ("older", "newer"):
        rds.create_db_cluster_snapshot(
            DBClusterIdentifier=CLUSTER, DBClusterSnapshotIdentifier=name
        )
    with pytest.raises(ZeroDivisionError):
        look_into_the_newest(rds)
    assert clusters(rds) == {CLUSTER}
    assert rds.describe_db_instances()["DBInstances"] == []


def look_into_the_newest(rds):
    with AwsBackups().restored(CELL, CLUSTER, ()) as restored:
        assert restored.what.endswith(":newer")
        assert BEGUN - timedelta(minutes=1) <= restored.taken <= datetime.now(UTC)
        assert clusters(rds) == {CLUSTER, CLUSTER + SUFFIX}
        (instance,) = rds.describe_db_instances()["DBInstances"]
        assert instance["DBClusterIdentifier"] == CLUSTER + SUFFIX
        assert "verify-full" in restored.copy("brightwater").dsn
        raise ZeroDivisionError


def test_in_aws_a_copy_that_a_dead_job_left_goes_first(rds):
    rds.create_db_cluster_snapshot(DBClusterIdentifier=CLUSTER, DBClusterSnapshotIdentifier="one")
    rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier=CLUSTER + SUFFIX, SnapshotIdentifier="one", Engine="aurora-postgresql"
    )
    forget_automated(rds)
    with AwsBackups().restored(CELL, CLUSTER, ()):
        assert clusters(rds) == {CLUSTER, CLUSTER + SUFFIX}
    assert clusters(rds) == {CLUSTER}


def test_a_cluster_without_a_snapshot_or_that_is_not_there_is_said(rds):
    forget_automated(rds)
    backups = AwsBackups()
    with (
        pytest.raises(RestoreError, match="has no snapshot"),
        AwsBackups().restored(CELL, CLUSTER, ()),
    ):
        pass
    with pytest.raises(RestoreError, match="refuses"), backups.restored(CELL, "other", ()):
        pass


def test_a_cells_clusters_have_the_tenants_that_are_served_there_whatever_is_declared():
    catalog = load(find_root())
    found = {each.cluster: each.tenants for each in targets(catalog, {}, "cell.prod-eu-west-1")}
    assert "aurelia-health" in found["prod-eu-west-1-tenant-aurelia-health"]
    assert "brightwater" in found["prod-eu-west-1-pool-a"]
    elsewhere = placements(catalog.tenants["fernhill"], {})[0]
    (moved,) = targets(catalog, {"brightwater": elsewhere}, "tenant.brightwater")
    assert moved.cluster == "prod-us-east-1-pool-a"
