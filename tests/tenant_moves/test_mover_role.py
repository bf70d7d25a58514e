"""The role `tenant-mover` against every AWS call of a move, on a moto that enforces IAM."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import iam_enforced
import pytest
from botocore.exceptions import ClientError
from mover_cloud import TARGET, MoverCloud

from catalog.load import find_root, load
from components.aws.mover_rights import mover_statements
from database_moves.errors import MoveError
from rehearsal.evaluation import Evaluation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


NIGHTLY = bool(os.environ.get("PATCHWORKS_NIGHTLY"))
REFUSALS = r"(?i)denied|not authorized|forbidden|StatusCode: 403|were left behind"
CATALOG = load(find_root())
ACTIONS = sorted(
    iam_enforced.allowed(
        {
            "Statement": mover_statements(
                CATALOG.organization,
                "prod",
                regions=[],
                shared_roles=[],
                ledger_table_arn="",
            )
        }
    )
)


@pytest.fixture(scope="module")
def policies() -> dict[str, dict[str, Any]]:
    """What the organization's stack declares for the mover, and for the role that it takes."""
    graph = Evaluation(CATALOG).evaluate("organization")
    found = {
        "mover": graph.named("prod-mover-policy").inputs["policy"],
        "dns": graph.named("shared-dns-policy").inputs["policy"],
    }
    return {name: json.loads(policy) for name, policy in found.items()}


@pytest.fixture(scope="module")
def moto() -> Iterator[iam_enforced.Enforced]:
    with iam_enforced.server() as found:
        yield found


@pytest.fixture
def cloud(moto: iam_enforced.Enforced, tmp_path: Path) -> MoverCloud:
    cloud = MoverCloud(CATALOG, moto, tmp_path)
    cloud.make()
    cloud.fill()
    return cloud


def test_a_move_needs_every_action_of_the_role_and_no_other(
    cloud: MoverCloud, policies: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.take_role(**policies, patch=monkeypatch)
    with iam_enforced.enforcing(cloud.moto):
        cloud.move()
        # A last dump is kept from the mover itself.
        (dump,) = cloud.dumps()
        cell = cloud.cell(TARGET)
        s3 = cloud.aws.client("s3", cell.account, cell.region)
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(**dump)
    shared = iam_enforced.allowed(policies["dns"])
    used = cloud.moto.used - shared - {"sts:GetCallerIdentity"}
    assert used == iam_enforced.allowed(policies["mover"])


@pytest.mark.parametrize(
    "action",
    ACTIONS if NIGHTLY else ("s3:PutBucketPolicy", "sts:AssumeRole", "secretsmanager:TagResource"),
)
def test_without_one_of_them_it_is_refused(
    cloud: MoverCloud,
    policies: dict[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    action: str,
) -> None:
    mover = iam_enforced.without(policies["mover"], action)
    cloud.take_role(mover, policies["dns"], monkeypatch)
    with (
        iam_enforced.enforcing(cloud.moto),
        pytest.raises((ClientError, MoveError, AssertionError), match=REFUSALS),
    ):
        cloud.move()
