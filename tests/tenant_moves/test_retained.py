"""What a tenant left in a cell: found as it is, and refused where it can't be taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import iam_enforced
import pytest
from mover_cloud import SOURCE, TARGET, TENANT, MoverCloud

from catalog import names
from catalog.load import find_root, load
from catalog.tenant import Placement, Retained
from tenant_moves import retained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MoverCloud]:
    with iam_enforced.server() as moto:
        cloud = MoverCloud(load(find_root()), moto, tmp_path)
        cloud.make()
        cloud.use({"AccessKeyId": "testing", "SecretAccessKey": "testing"}, monkeypatch)
        yield cloud


def hindrances(cloud: MoverCloud, place: Placement) -> list[str]:
    return list(retained.hindrances(cloud.catalog, cloud.aws, TENANT, place, slice_there=False))


def test_what_is_there_is_found_with_its_ids_part_by_part(cloud: MoverCloud) -> None:
    cell = cloud.cell(TARGET)
    secrets = cloud.admin("secretsmanager", cell.region)
    name = names.secret(cell, TENANT, "database")
    arn = secrets.describe_secret(SecretId=name)["ARN"]
    bucket = names.bucket(cloud.catalog.organization, cell, TENANT)
    key = cloud.keys[cell.name].rpartition("/")[2]
    found = retained.look(cloud.catalog, cloud.aws, TENANT, cell.name)
    assert found == Retained(cell=cell.name, bucket=bucket, secret_arn=arn, key_id=key)
    assert hindrances(cloud, TARGET) == []

    cloud.admin("s3", cell.region).delete_bucket(Bucket=bucket)
    found = retained.look(cloud.catalog, cloud.aws, TENANT, cell.name)
    assert found == Retained(cell=cell.name, secret_arn=arn, key_id=key)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert retained.look(cloud.catalog, cloud.aws, TENANT, cell.name) is None
    assert hindrances(cloud, TARGET) == []


def test_what_is_known_of_other_cells_stays_when_one_is_looked_at() -> None:
    here, there = (Retained(cell=place.cell, bucket="b") for place in (SOURCE, TARGET))
    newer = Retained(cell=SOURCE.cell, bucket="c")
    assert retained.with_cell([there, here], SOURCE.cell, newer) == (newer, there)
    assert retained.with_cell([there, here], SOURCE.cell, None) == (there,)


def test_a_database_cluster_of_an_earlier_stay_is_a_person_s_to_delete(cloud: MoverCloud) -> None:
    cell = cloud.cell(TARGET)
    settings = cloud.catalog.tenants["aurelia-health"].placement.dedicated
    own = Placement(cell=cell.name, database="dedicated", dedicated=settings)
    assert hindrances(cloud, own) == []
    identifier = names.database_cluster(cell, names.dedicated_database(TENANT))
    cloud.admin("rds", cell.region).create_db_cluster(
        DBClusterIdentifier=identifier,
        Engine="aurora-postgresql",
        MasterUsername="master",
        MasterUserPassword="long enough",
    )
    (said,) = hindrances(cloud, own)
    assert f"the database cluster {identifier} of an earlier stay is still there" in said
    assert hindrances(cloud, TARGET) == []
