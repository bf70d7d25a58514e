"""Backups in AWS: the newest snapshot of an Aurora cluster, restored beside it.

The copy has its cluster's subnets, security groups, key and logins, so that whoever reaches the one
reaches the other, and nobody else. Its name is fixed: a copy that a dead job has left is found.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, WaiterError
from psycopg.conninfo import make_conninfo

from components.postgresql.deployer import DEPLOYER
from database_moves.database import Database
from delivery.backups import Restored, RestoreError
from stacks.providers import CA_BUNDLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from catalog.cell import Cell

SUFFIX = "-restore-test"
WAITER = {"Delay": 30, "MaxAttempts": 240}
"""Two hours: a large cluster's volume is loaded from S3 in minutes, its instance starts in some."""
INSTANCE = "db.t4g.medium"
"""The smallest that Aurora PostgreSQL of every version runs on; the copy serves nobody."""
TAKEN = ("automated", "awsbackup", "manual")


class AwsBackups:
    """Snapshots of RDS and of AWS Backup, with the credentials at hand."""

    oldest = timedelta(hours=36)
    """One missed night shows; a night that is merely late does not."""

    def __init__(self, client: Callable[[str, str], Any] | None = None) -> None:
        """`client` makes a boto3 client of a service in a region."""
        make: Any = boto3.client
        self._client = client or (lambda service, region: make(service, region_name=region))

    @contextmanager
    def restored(self, cell: Cell, cluster: str, databases: Sequence[str]) -> Iterator[Restored]:
        """See `Backups.restored`; a snapshot has every database of its cluster."""
        del databases
        rds, copy = self._client("rds", cell.region), f"{cluster}{SUFFIX}"
        try:
            live = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
            snapshot = _newest(rds, cluster)
            _remove(rds, copy)
            began = time.monotonic()
            try:
                endpoint, port = _restore(rds, live, snapshot, copy)
                yield Restored(
                    what=snapshot["DBClusterSnapshotArn"],
                    taken=snapshot["SnapshotCreateTime"],
                    seconds=round(time.monotonic() - began, 3),
                    live=self._opened(cell, live["Endpoint"], live["Port"]),
                    copy=self._opened(cell, endpoint, port),
                )
            finally:
                _remove(rds, copy)
        except (ClientError, WaiterError) as error:
            raise RestoreError(f"AWS refuses a step of restoring {cluster}: {error}") from error

    def _opened(self, cell: Cell, host: str, port: int) -> Callable[[str], Database]:
        def opened(name: str) -> Database:
            token = self._client("rds", cell.region).generate_db_auth_token(
                DBHostname=host, Port=port, DBUsername=DEPLOYER, Region=cell.region
            )
            dsn = make_conninfo(
                host=host,
                port=port,
                user=DEPLOYER,
                password=token,
                dbname=name,
                sslmode="verify-full",
                sslrootcert=CA_BUNDLE,
            )
            return Database(dsn, "source")

        return opened


def _newest(rds: Any, cluster: str) -> dict[str, Any]:
    pages = rds.get_paginator("describe_db_cluster_snapshots").paginate(DBClusterIdentifier=cluster)
    found = [
        each
        for page in pages
        for each in page["DBClusterSnapshots"]
        if each["Status"] == "available" and each["SnapshotType"] in TAKEN
    ]
    if not found:
        raise RestoreError(f"{cluster} has no snapshot that could be restored")
    return dict(max(found, key=lambda each: each["SnapshotCreateTime"]))


def _restore(
    rds: Any, live: dict[str, Any], snapshot: dict[str, Any], copy: str
) -> tuple[str, int]:
    restored = rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier=copy,
        SnapshotIdentifier=snapshot["DBClusterSnapshotIdentifier"],
        Engine=live["Engine"],
        EngineVersion=snapshot["EngineVersion"],
        DBSubnetGroupName=live["DBSubnetGroup"],
        VpcSecurityGroupIds=[each["VpcSecurityGroupId"] for each in live["VpcSecurityGroups"]],
        EnableIAMDatabaseAuthentication=True,
        DeletionProtection=False,
        CopyTagsToSnapshot=False,
        Tags=[{"Key": "purpose", "Value": "restore-test"}],
    )["DBCluster"]
    rds.create_db_instance(
        DBInstanceIdentifier=copy,
        DBClusterIdentifier=copy,
        DBInstanceClass=INSTANCE,
        Engine=live["Engine"],
        PubliclyAccessible=False,
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=copy, WaiterConfig=WAITER)
    return str(restored["Endpoint"]), int(restored["Port"])


def _remove(rds: Any, copy: str) -> None:
    """Delete a copy and its instance; that neither is there is fine."""
    try:
        rds.delete_db_instance(DBInstanceIdentifier=copy, SkipFinalSnapshot=True)
        rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=copy, WaiterConfig=WAITER)
    except rds.exceptions.DBInstanceNotFoundFault:
        pass
    try:
        rds.delete_db_cluster(DBClusterIdentifier=copy, SkipFinalSnapshot=True)
        rds.get_waiter("db_cluster_deleted").wait(DBClusterIdentifier=copy, WaiterConfig=WAITER)
    except rds.exceptions.DBClusterNotFoundFault:
        pass
