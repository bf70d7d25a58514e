"""AWS resources are made in the region that they name, else in their provider's; with real moto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws
import pytest

from rehearsal.apply import LocalCloudAnswers, apply_program
from rehearsal.local_cloud import LocalCloud
from rehearsal.state import StackState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rehearsal.apply import Outcome

ACCOUNT = "111122223333"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path / ".patchworks")
    cloud.start()
    yield cloud
    cloud.reset()


def apply(cloud: LocalCloud, program: Callable[[], dict[str, Any]] | None) -> Outcome:
    return apply_program(
        program,
        LocalCloudAnswers(
            stack="tenant.queues",
            state=StackState.open(cloud.stack_state("tenant.queues"), cloud.secrets),
            cloud_for=cloud.for_provider,
            generation=cloud.generation,
            outputs_of=lambda _: None,
            observe=lambda _: None,
        ),
    )


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
