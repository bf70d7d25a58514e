"""Replacements of really made resources: one that was given its name cannot exist twice."""

from collections.abc import Callable, Iterator
from typing import Any

import applying
import pulumi
import pulumi_aws as aws
import pytest

from rehearsal.local_cloud import LocalCloud
from rehearsal.outcome import Outcome

ACCOUNT, REGION = "111122223333", "eu-west-1"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("clone") / ".patchworks")
    cloud.start()
    yield cloud
    cloud.reset()


def apply(cloud: LocalCloud, stack: str, program: Callable[[], dict[str, Any]]) -> Outcome:
    return applying.apply(cloud, stack, program, generation=cloud.generation)


def table(hash_key: str, name: str | None) -> Callable[[], dict[str, Any]]:
    def program() -> dict[str, Any]:
        provider = aws.Provider("here", region=REGION, allowed_account_ids=[ACCOUNT])
        made = aws.dynamodb.Table(
            "table",
            name=name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=hash_key,
            attributes=[{"name": hash_key, "type": "S"}],
            opts=pulumi.ResourceOptions(provider=provider),
        )
        return {"name": made.name}

    return program


def keys(cloud: LocalCloud) -> dict[str, str]:
    """The hash key of each table that there is, by the table's name."""
    client = cloud.aws("dynamodb", ACCOUNT, REGION)
    return {
        name: client.describe_table(TableName=name)["Table"]["KeySchema"][0]["AttributeName"]
        for name in client.list_tables()["TableNames"]
    }


def test_a_resource_with_a_given_name_is_deleted_before_it_is_made_again(cloud: LocalCloud) -> None:
    apply(cloud, "cell.given", table("tenant", "placements"))
    outcome = apply(cloud, "cell.given", table("customer", "placements"))
    assert outcome.counts()["replace"] == 1
    assert keys(cloud)["placements"] == "customer"


def test_a_resource_with_a_made_up_name_is_made_again_before_the_former_goes(
    cloud: LocalCloud,
) -> None:
    before = set(keys(cloud))
    apply(cloud, "cell.made-up", table("tenant", None))
    (first,) = set(keys(cloud)) - before
    apply(cloud, "cell.made-up", table("customer", None))
    (second,) = set(keys(cloud)) - before
    assert second != first
    assert keys(cloud)[second] == "customer"
