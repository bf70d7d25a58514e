"""What a tenant left in a cell: what the cloud still has there, and whether it can be taken over.

What holds data stays in the cloud when a tenant's stack lets go of it. A slice that comes back to
that cell takes it over instead of making it (see `components.aws.adoption`), by ids that the ledger
remembers. The objects there are then brought to what the side that serves has, as in every move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog import names
from catalog.tenant import Retained
from database_moves.errors import MoveError
from tenant_moves import cloud_faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalog.catalog import Catalog
    from catalog.cell import Cell
    from catalog.tenant import Placement
    from tenant_moves.platform import Aws

_NO_BUCKET = ("404", "NoSuchBucket")
_NOT_OURS = "403"


def look(catalog: Catalog, aws: Aws, tenant: str, cell_name: str) -> Retained | None:
    """What there is of a tenant's slice in a cell, whether or not a stack declares it.

    Raises `MoveError` where the bucket's name is another account's.
    """
    cell = catalog.cells[cell_name]
    s3 = aws.client("s3", cell.account, cell.region)
    secrets = aws.client("secretsmanager", cell.account, cell.region)
    bucket: str | None = names.bucket(catalog.organization, cell, tenant)
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=cell.account)
    except s3.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code == _NOT_OURS:
            raise MoveError(
                f"the bucket {bucket} can't be looked at: {error}",
                remedy="find out whose it is: a tenant's bucket has to be in its cell's account",
            ) from None
        if code not in _NO_BUCKET:
            raise cloud_faults.fault(error) from error
        bucket = None
    try:
        secret = secrets.describe_secret(SecretId=names.secret(cell, tenant, "database"))
    except secrets.exceptions.ResourceNotFoundException:
        secret = {}
    key = str(secret.get("KmsKeyId", "")).rpartition("/")[2]
    if bucket is None and not secret:
        return None
    return Retained(cell=cell_name, bucket=bucket, secret_arn=secret.get("ARN"), key_id=key or None)


def with_cell(known: Sequence[Retained], cell: str, found: Retained | None) -> tuple[Retained, ...]:
    """What is known of all cells, with what was found in one of them."""
    others = [each for each in known if each.cell != cell]
    return tuple(sorted([*others, *([found] if found else [])], key=lambda each: each.cell))


def hindrances(
    catalog: Catalog, aws: Aws, tenant: str, target: Placement, *, slice_there: bool
) -> Iterator[str]:
    """Why what a tenant left where it now goes can't be taken over, with what to do about each."""
    cell = catalog.cells[target.cell]
    if target.dedicated is not None:
        yield from _clusters(catalog, aws, tenant, target)
    if slice_there:
        return
    try:
        found = look(catalog, aws, tenant, target.cell)
    except MoveError as error:
        yield str(error)
        return
    if found is None:
        return
    if found.secret_arn is not None:
        secrets = aws.client("secretsmanager", cell.account, cell.region)
        if secrets.describe_secret(SecretId=found.secret_arn).get("DeletedDate"):
            yield f"the secret {found.secret_arn} is being deleted: restore it"
    if found.key_id is not None:
        kms = aws.client("kms", cell.account, cell.region)
        state = kms.describe_key(KeyId=found.key_id)["KeyMetadata"]["KeyState"]
        if state != "Enabled":
            yield (
                f"the key {found.key_id} in {cell.name}, which encrypts what the tenant left "
                f"there, is in state {state}: enable it, or cancel its deletion"
            )


def _login(secrets: Any, cell: Cell, tenant: str) -> Iterator[str]:
    """Whether the login by which moves reached a database of its own is left, without it."""
    name = names.mover_secret(cell, names.dedicated_database(tenant))
    try:
        secrets.describe_secret(SecretId=name)
    except secrets.exceptions.ResourceNotFoundException:
        return
    yield (
        f"the secret {name} of an earlier stay's database is still there: delete it without a "
        "recovery window"
    )


def _clusters(catalog: Catalog, aws: Aws, tenant: str, target: Placement) -> Iterator[str]:
    cell = catalog.cells[target.cell]
    identifier = names.database_cluster(cell, names.dedicated_database(tenant))
    rds = aws.client("rds", cell.account, cell.region)
    try:
        rds.describe_db_clusters(DBClusterIdentifier=identifier)
    except rds.exceptions.DBClusterNotFoundFault:
        yield from _login(aws.client("secretsmanager", cell.account, cell.region), cell, tenant)
        return
    yield (
        f"the database cluster {identifier} of an earlier stay is still there: delete it when its "
        "last dump is no longer enough, or choose another database"
    )
