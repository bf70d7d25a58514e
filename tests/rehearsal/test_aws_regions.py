"""AWS resources are made in the region that they name, else in their provider's; with real moto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import applying
import pulumi
import pulumi_aws as aws
import pytest

from rehearsal.local_cloud import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rehearsal.outcome import Outcome


ACCOUNT = "111122223333"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path / ".patchworks")
    cloud.start()
    yield cloud
    cloud.reset()


def apply(cloud: LocalCloud, program: Callable[[], dict[str, Any]] | None) -> Outcome:
    return applying.apply(cloud, "tenant.queues", program, generation=cloud.generation)


def queues(region: str | None = None) -> Callable[[], dict[str, Any]]:
    def program() -> dict[str, Any]:
        provider = aws.Provider("here", region="eu-west-1", allowed_account_ids=[ACCOUNT])
        aws.sqs.Queue(
            "queue", name="queue", region=region, opts=pulumi.ResourceOptions(provider=provider)
        )
        return {}

    return program


def regions(cloud: LocalCloud) -> set[str]:
    return {
        region
        for region in ("eu-west-1", "eu-central-1")
        if "QueueUrls" in cloud.aws("sqs", ACCOUNT, region).list_queues()
    }


def test_a_resource_moves_to_another_region_by_replacement_and_is_deleted_there(
    cloud: LocalCloud,
) -> None:
    apply(cloud, queues())
    assert regions(cloud) == {"eu-west-1"}
    moved = apply(cloud, queues(region="eu-central-1"))
    assert moved.counts()["replace"] == 1
    assert regions(cloud) == {"eu-central-1"}
    apply(cloud, None)
    assert regions(cloud) == set()
