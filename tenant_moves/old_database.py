"""What becomes of the database that a tenant has left: its last dump is kept, then it may go."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psycopg
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import S3Transfer
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from catalog import names
from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from catalog.tenant import Placement
    from database_moves.database import Database
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Platform

_NO_DUMP = ("404", "NoSuchKey", "NoSuchBucket")


def keep(platform: Platform, plan: Plan, serving: Placement, dump: Path, address: str) -> str:
    """Upload the last dump to the backups of the cell that serves; where it is.

    The file on this machine is deleted once S3 has it whole. Raises `MoveError` where there is
    neither.
    """
    cell = platform.catalog.cells[serving.cell]
    s3 = platform.aws.client("s3", cell.account, cell.region)
    bucket = names.backup_bucket(platform.catalog.organization, cell)
    key = f"{plan.tenant}/{plan.move}.dump"
    where = f"s3://{bucket}/{key}"
    if dump.exists():
        size = dump.stat().st_size
        checked = {"ChecksumAlgorithm": "SHA256"}
        try:
            S3Transfer(client=s3).upload_file(str(dump), bucket, key, extra_args=checked)
        except S3UploadFailedError as error:
            raise MoveError(
                f"the last dump of {address}, {dump}, can't be brought to {where}: {error}",
                remedy="mend that, and run the same command again on this machine",
            ) from error
        found = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        if found != size:
            raise MoveError(f"{where} has {found} bytes of {size}", remedy="run it again")
        dump.unlink()
        return where
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in _NO_DUMP:
            raise
        raise MoveError(
            f"the last dump of {address} is neither at {dump} nor at {where} ({error})",
            remedy="run the command on the machine that has it, or dump that database by hand",
        ) from None
    return where


def drop(old: Database, roles: Sequence[str]) -> None:
    """Drop a database that was left, and its roles where nothing else needs them.

    A tenant can come back only where neither is there. That they are gone is fine.
    """
    name = conninfo_to_dict(old.dsn)["dbname"]
    elsewhere = type(old)(old.conninfo(dbname="postgres"), old.side)
    try:
        with elsewhere.session("drop") as session:
            session.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                .format(sql.Identifier(str(name)))
                .as_bytes()
            )
            for role in roles:
                with contextlib.suppress(psycopg.errors.DependentObjectsStillExist):
                    session.execute(
                        sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)).as_bytes()
                    )
    except psycopg.errors.InsufficientPrivilege as error:
        raise MoveError(
            f"{old.address} can't be dropped: {error.diag.message_primary}",
            remedy="finish with --keep-old-database, and drop it as its owner",
        ) from error
