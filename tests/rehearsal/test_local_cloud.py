"""The whole local cloud: moto and PostgreSQL run for real below the test's own directory."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.local_cloud import LocalCloud
from rehearsal.servers import process

AWS = ("pulumi:providers:aws", {"region": "eu-west-1", "allowedAccountIds": ["111111111111"]})


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("clone with space") / ".patchworks")
    cloud.start({"cell-pool-a": "16.8"})
    yield cloud
    cloud.stop()


def kubeconfig(cluster: str, region: str) -> str:
    arguments = ["--region", region, "eks", "get-token", "--cluster-name", cluster]
    return json.dumps(
        {
            "clusters": [{"name": "kubernetes", "cluster": {"server": "https://example.com"}}],
            "users": [{"name": "aws", "user": {"exec": {"command": "aws", "args": arguments}}}],
        }
    )


def test_everything_runs_after_a_start_and_a_second_one_changes_nothing(cloud: LocalCloud) -> None:
    before = cloud.status()
    assert [(server.server, server.state) for server in before] == [
        ("aws", "running"),
        ("cell-pool-a", "running"),
    ]
    generation = cloud.generation
    seen: list[str] = []
    again = LocalCloud(cloud.root)
    again.start({"cell-pool-a": "16.8"}, lambda server: seen.append(server.server))
    assert sorted(seen) == ["aws", "cell-pool-a"]
    assert (again.status(), again.generation) == (before, generation)


def test_the_directory_is_closed_to_others(cloud: LocalCloud) -> None:
    cloud.root.chmod(0o755)
    cloud.start()
    assert cloud.root.stat().st_mode & 0o777 == 0o700


def test_an_aws_provider_sees_its_account_and_region_only(cloud: LocalCloud) -> None:
    aws = cloud.for_provider(*AWS)
    aws.aws("s3").create_bucket(
        Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    other = cloud.for_provider(AWS[0], AWS[1] | {"allowedAccountIds": ["222222222222"]})
    assert [bucket["Name"] for bucket in aws.aws("s3").list_buckets()["Buckets"]] == ["mine"]
    assert other.aws("s3").list_buckets()["Buckets"] == []
    assert aws.aws("sts").get_caller_identity()["Account"] == "111111111111"


def test_a_provider_without_one_account_and_a_region_says_so(cloud: LocalCloud) -> None:
    lost = cloud.for_provider("pulumi:providers:aws", {"allowedAccountIds": ["1", "2"]})
    with pytest.raises(LookupError, match="no single account"):
        _ = lost.account
    with pytest.raises(LookupError, match="no region"):
        _ = lost.region
    with pytest.raises(LookupError, match="no kubeconfig"):
        _ = lost.kubernetes


def test_a_cluster_has_the_version_that_eks_says(cloud: LocalCloud) -> None:
    aws = cloud.for_provider(*AWS)
    aws.aws("eks").create_cluster(
        name="cell",
        version="1.33",
        roleArn="arn:aws:iam::111111111111:role/cluster",
        resourcesVpcConfig={},
    )
    provider = {"kubeconfig": kubeconfig("cell", "eu-west-1")}
    cluster = cloud.for_provider("pulumi:providers:kubernetes", provider).kubernetes
    assert (cluster.name, cluster.version) == ("cell", "1.33")
    provider = {"kubeconfig": kubeconfig("elsewhere", "eu-west-1")}
    cluster = cloud.for_provider("pulumi:providers:kubernetes", provider).kubernetes
    assert (cluster.name, cluster.version) == ("elsewhere", None)


def test_postgresql_is_found_by_its_address(cloud: LocalCloud) -> None:
    server = cloud.postgresql.ensure("cell-pool-a", "16.8")
    provider = cloud.for_provider("pulumi:providers:postgresql", {"host": server.host})
    assert provider.postgresql.find(server.host, server.port) == server


def test_one_command_at_a_time_changes_the_cloud(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = process.locked
    monkeypatch.setattr(process, "locked", lambda path, **_: locked(path, timeout=0.1))
    with (
        cloud.exclusively(),
        pytest.raises(process.Locked),
        LocalCloud(cloud.root).exclusively(),
    ):
        pass
    with LocalCloud(cloud.root).exclusively():
        pass


def test_outputs_of_a_stack_are_there_once_it_was_applied(cloud: LocalCloud) -> None:
    with pytest.raises(LookupError, match=r"cell\.x has not been rehearsed"):
        cloud.stack_outputs("cell.x")
    assert cloud.applied_stacks() == []
    cloud.stack_state("cell.x").parent.mkdir(parents=True)
    cloud.stack_state("cell.x").write_text('{"version": 2}\n{"exports": {"vpc": "vpc-1"}}\n')
    assert cloud.applied_stacks() == ["cell.x"]
    assert cloud.stack_outputs("cell.x") == {"vpc": "vpc-1"}


def test_a_restart_brings_back_every_database_and_an_empty_aws(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path / ".patchworks")
    try:
        cloud.start()
        first = cloud.generation
        server = cloud.postgresql.ensure("made-on-first-need", "18.1")
        assert cloud.stop() == 2
        assert cloud.stop() == 0
        with pytest.raises(RuntimeError, match="patchworks local start"):
            _ = cloud.generation
        cloud.start()
        assert cloud.generation != first
        assert cloud.postgresql.find(server.host, server.port) == server
    finally:
        cloud.reset()
    assert not cloud.root.exists()
    assert cloud.reset() == 0
