"""Objects that change while they are brought: in the end they are equal, or the pause is undone."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import iam_enforced
import pytest
from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import MissingKey
from moto.s3.models import FakeBucket, S3Backend
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


def test_objects_that_are_written_while_they_are_copied_are_brought_by_a_later_pass(
    cloud: MoverCloud, belongings: Belongings
) -> None:
    at, there = cloud.exports.slice(SOURCE), cloud.exports.slice(TARGET)
    stopped = threading.Event()
    bodies: dict[str, bytes] = {}

    def write() -> None:
        s3, number = cloud.admin("s3", cloud.cell(SOURCE).region), 0
        while not stopped.is_set():
            number += 1
            key, body = f"changing/{number % 3}", b"x" * number
            s3.put_object(Bucket=at.bucket, Key=key, Body=body)
            bodies[key] = body

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    while len(bodies) < 3:
        time.sleep(0.01)
    try:
        done = belongings.approach("target", lambda: None, lambda _: None)
    finally:
        stopped.set()
        writer.join(300)
    assert done is not None
    belongings.last("target", lambda: None)
    s3 = cloud.admin("s3", cloud.cell(TARGET).region)
    for key, body in bodies.items():
        assert s3.get_object(Bucket=there.bucket, Key=key)["Body"].read() == body


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


def test_what_is_deleted_while_rclone_copies_it_is_left_and_stops_nothing(
    cloud: MoverCloud, belongings: Belongings, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = S3Backend.copy_object

    def copy_unless_gone(self: S3Backend, src_key: Any, *asked: Any, **more: Any) -> None:
        if src_key.name == "invoices/7":
            raise MissingKey(key=src_key.name)
        copy(self, src_key, *asked, **more)

    monkeypatch.setattr(S3Backend, "copy_object", copy_unless_gone)
    done = belongings.approach("target", lambda: None, lambda _: None)
    assert done is not None
    assert done.left == ("invoices/7",)
    monkeypatch.setattr(S3Backend, "copy_object", copy)
    belongings.last("target", lambda: None)
    there = cloud.exports.slice(TARGET)
    s3 = cloud.admin("s3", cloud.cell(TARGET).region)
    assert s3.head_object(Bucket=there.bucket, Key="invoices/7")["ContentLength"] == 7
