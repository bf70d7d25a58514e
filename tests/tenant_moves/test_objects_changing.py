"""Objects that change while they are brought: in the end they are equal, or the pause is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import iam_enforced
import pytest
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from mover_cloud import SOURCE, TARGET, TENANT, MoverCloud

from catalog.load import find_root, load
from database_moves.errors import MoveError
from tenant_moves import sealing
from tenant_moves.belongings import Belongings
from tenant_moves.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MoverCloud]:
    with iam_enforced.server() as moto:
        cloud = MoverCloud(load(find_root()), moto, tmp_path)
        cloud.make()
        cloud.fill()
        # Whoever writes here is past the policy, whose conditions moto would take for a denial.
        monkeypatch.setattr(FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)
        cloud.use({"AccessKeyId": "testing", "SecretAccessKey": "testing"}, monkeypatch)
        yield cloud


@pytest.fixture
def belongings(cloud: MoverCloud, tmp_path: Path) -> Belongings:
    move = Plan(TENANT, f"{TENANT}-2", SOURCE, TARGET, True)
    return Belongings(cloud.catalog, cloud.aws, move, cloud.exports, tmp_path)


def test_who_writes_past_the_policy_in_the_pause_undoes_it(
    cloud: MoverCloud, belongings: Belongings
) -> None:
    belongings.approach("target", lambda: None, lambda _: None)
    at = cloud.exports.slice(SOURCE)
    s3 = cloud.admin("s3", cloud.cell(SOURCE).region)
    written = 0

    def write() -> None:
        """Between any two looks at the bucket, as moto lets everybody through."""
        nonlocal written
        written += 1
        s3.put_object(Bucket=at.bucket, Key="stubborn", Body=str(written).encode())

    write()
    with pytest.raises(MoveError, match=r"1 objects of .* were changed in the pause.*'stubborn'"):
        belongings.last("target", write)
    assert written > 2
    assert sealing.is_sealed(s3, at.bucket)
    belongings.open("source")
    assert not sealing.is_sealed(s3, at.bucket)

    belongings.last("target", lambda: None)
    there = cloud.exports.slice(TARGET)
    brought = cloud.admin("s3", cloud.cell(TARGET).region).get_object(
        Bucket=there.bucket, Key="stubborn"
    )
    assert brought["Body"].read() == str(written).encode()
