"""What a program imports is taken over on the local cloud instead of being made; with real moto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import applying
import pulumi
import pulumi_aws as aws
import pytest

from components.aws.bucket import Bucket, BucketSpec
from components.aws.keys import Key
from components.aws.tenant_secret import Secret
from rehearsal.errors import ProgramError
from rehearsal.local_cloud import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rehearsal.outcome import Outcome

ACCOUNT = "111122223333"
REGION = "eu-west-1"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("imports") / ".patchworks")
    cloud.start()
    yield cloud
    cloud.reset()


def apply(cloud: LocalCloud, program: Callable[[pulumi.ResourceOptions], Any] | None) -> Outcome:
    def with_provider() -> dict[str, Any]:
        provider = aws.Provider(
            "here",
            region=REGION,
            allowed_account_ids=[ACCOUNT],
            default_tags={"tags": {"owner": "new"}},
        )
        assert program is not None
        program(pulumi.ResourceOptions(providers={"aws": provider}))
        return {}

    return applying.apply(
        cloud, "tenant.imports", with_provider if program else None, generation=cloud.generation
    )


def stay(adopt: dict[str, str]) -> Callable[[pulumi.ResourceOptions], Any]:
    """A key, a bucket and a secret, made anew or taken over by their ids."""

    def program(opts: pulumi.ResourceOptions) -> None:
        key = Key(
            "key",
            alias="cell/tenant",
            description="of the tenant",
            account=ACCOUNT,
            protect=False,
            adopt=adopt.get("key"),
            opts=opts,
        )
        Bucket(
            "objects",
            BucketSpec(versions_days=30),
            bucket_name="acme-cell-tenant",
            key_arn=key.key_arn,
            account=ACCOUNT,
            protect=False,
            adopt="bucket" in adopt,
            opts=opts,
        )
        Secret(
            "secret",
            secret_name="cell/tenant/database",
            description="how the database is reached",
            key_arn=key.key_arn,
            value="{}",
            accounts=[ACCOUNT],
            protect=False,
            adopt=adopt.get("secret"),
            opts=opts,
        )

    return program


def test_what_a_stack_let_go_of_is_in_the_way_until_it_is_taken_over_as_it_was(
    cloud: LocalCloud,
) -> None:
    s3, kms, secrets = (
        cloud.aws(service, ACCOUNT, REGION) for service in ("s3", "kms", "secretsmanager")
    )
    apply(cloud, stay({}))
    s3.put_object(Bucket="acme-cell-tenant", Key="kept", Body=b"object")
    secret = secrets.describe_secret(SecretId="cell/tenant/database")
    key = secret["KmsKeyId"]
    s3.put_bucket_tagging(
        Bucket="acme-cell-tenant", Tagging={"TagSet": [{"Key": "owner", "Value": "old"}]}
    )
    assert apply(cloud, None).counts()["retain"] > 3
    with pytest.raises(ProgramError, match=r"BucketAlreadyOwnedByYou|ResourceExists"):
        apply(cloud, stay({}))

    ids = {"key": key.rpartition("/")[2], "bucket": "yes", "secret": secret["ARN"]}
    taken = apply(cloud, stay(ids))
    assert taken.counts()["import"] == 3
    assert s3.get_object(Bucket="acme-cell-tenant", Key="kept")["Body"].read() == b"object"
    assert s3.get_bucket_tagging(Bucket="acme-cell-tenant")["TagSet"] == [
        {"Key": "owner", "Value": "new"}
    ]
    again = apply(cloud, stay(ids))
    assert set(again.counts()) == {"same"}
    # An import that is done changes nothing when the program says it no more.
    assert set(apply(cloud, stay({})).counts()) == {"same"}
    assert secrets.describe_secret(SecretId="cell/tenant/database")["KmsKeyId"] == key
    assert kms.describe_key(KeyId="alias/cell/tenant")["KeyMetadata"]["Arn"] == key


def test_what_is_not_there_is_not_imported(cloud: LocalCloud) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        assert isinstance(opts.providers, dict)
        provider = opts.providers["aws"]
        aws.s3.Bucket(
            "none",
            bucket="not-there",
            opts=pulumi.ResourceOptions(import_="not-there", provider=provider),
        )

    with pytest.raises(ProgramError, match="NoSuchBucket"):
        apply(cloud, program)
