"""Drivers for S3 buckets and the settings that are resources of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Subject, of
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rehearsal.drivers.base import Cloud, Driver, Inputs, Outputs


def _location(subject: Subject) -> dict[str, Any]:
    if subject.cloud.region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": subject.cloud.region}}


def _empty(subject: Subject) -> None:
    if not subject.inputs.get("forceDestroy"):
        return
    pages = subject.api.get_paginator("list_object_versions").paginate(Bucket=subject.id)
    for page in pages:
        for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            subject.api.delete_object(
                Bucket=subject.id,
                Key=entry["Key"],
                VersionId=entry["VersionId"],
                BypassGovernanceRetention=True,
            )


class Bucket(AwsDriver):
    """A bucket; its tags are one document that is written as a whole."""

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create the bucket and write its tags."""
        bucket, outputs = super().create(name, inputs, cloud)
        return bucket, outputs | self._tag(bucket, inputs, cloud)

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Write the tags afresh, the one thing that changes in place."""
        changed = super().update(id, old, new, outputs, cloud)
        return changed | self._tag(id, new, cloud)

    def _tag(self, bucket: str, inputs: Inputs, cloud: Cloud) -> Outputs:
        tags = Subject("s3", "", inputs, cloud).tags
        api = cloud.aws("s3")
        if tags:
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            api.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": pairs})
        else:
            api.delete_bucket_tagging(Bucket=bucket)
        return {"tagsAll": tags}


BUCKET = Bucket(
    service="s3",
    create_by=Call(
        "create_bucket",
        given=_location,
        rename={"objectLockEnabled": "ObjectLockEnabledForBucket"},
        takes=("bucket", "objectLockEnabled"),
    ),
    delete_by=(_empty, Call("delete_bucket", given=lambda s: {"Bucket": s.id})),
    id_is=of("bucket"),
    outputs_are={
        "arn": lambda s: f"arn:aws:s3:::{s.id}",
        "bucketDomainName": lambda s: f"{s.id}.s3.amazonaws.com",
        "bucketRegionalDomainName": lambda s: f"{s.id}.s3.{s.cloud.region}.amazonaws.com",
        "bucketRegion": lambda s: s.cloud.region,
    },
    named="bucket",
    replaced_by=frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
    steering=frozenset({"forceDestroy"}),
)


def _setting(
    put: str,
    delete: str | None,
    reshape: Callable[[Inputs], Inputs] | None = None,
    takes: Iterable[str] | None = None,
    rename: Mapping[str, str] | None = None,
    undo: Callable[[Subject], None] | None = None,
) -> AwsDriver:
    """A part of a bucket that is written as a whole, under the bucket's name."""
    written = Call(put, reshape=reshape, takes=takes, rename=rename or {})
    removed = undo or Call(str(delete), given=lambda s: {"Bucket": s.inputs["bucket"]})
    return AwsDriver(
        service="s3",
        create_by=written,
        updates=(written,),
        delete_by=(removed,),
        id_is=of("bucket"),
        replaced_by=frozenset({"bucket", "expectedBucketOwner"}),
        steering=frozenset({"skipDestroy", "timeouts"}),
    )


def _under(name: str) -> Callable[[Inputs], Inputs]:
    """All properties but the bucket's belong under one parameter."""

    def reshape(inputs: Inputs) -> Inputs:
        outer = {k: v for k, v in inputs.items() if k in ("bucket", "expectedBucketOwner")}
        return outer | {name: {k: v for k, v in inputs.items() if k not in outer}}

    return reshape


def _suspend_versioning(subject: Subject) -> None:
    # Versions cannot be switched off again, only suspended.
    subject.api.put_bucket_versioning(
        Bucket=subject.inputs["bucket"], VersioningConfiguration={"Status": "Suspended"}
    )


def _stop_logging(subject: Subject) -> None:
    subject.api.put_bucket_logging(Bucket=subject.inputs["bucket"], BucketLoggingStatus={})


def _stop_locking(subject: Subject) -> None:
    # The lock itself stays for the bucket's life; its default retention goes.
    subject.api.put_object_lock_configuration(
        Bucket=subject.inputs["bucket"],
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"},
    )


_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

DRIVERS: dict[str, Driver] = {
    "aws:s3/bucket:Bucket": BUCKET,
    "aws:s3/bucketPolicy:BucketPolicy": _setting("put_bucket_policy", "delete_bucket_policy"),
    "aws:s3/bucketVersioning:BucketVersioning": _setting(
        "put_bucket_versioning", None, undo=_suspend_versioning
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _setting(
            "put_bucket_encryption",
            "delete_bucket_encryption",
            _under("ServerSideEncryptionConfiguration"),
            takes=("bucket", "rules", "expectedBucketOwner"),
            rename={"kmsMasterKeyId": "KMSMasterKeyID"},
        )
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _setting(
        "put_public_access_block",
        "delete_public_access_block",
        _under("PublicAccessBlockConfiguration"),
        takes=("bucket", *_BLOCKS),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _setting(
        "put_bucket_ownership_controls",
        "delete_bucket_ownership_controls",
        lambda inputs: {
            "bucket": inputs["bucket"],
            "OwnershipControls": {"rules": [inputs["rule"]]},
        },
        takes=("bucket", "rule"),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _setting(
        "put_bucket_lifecycle_configuration",
        "delete_bucket_lifecycle",
        lambda inputs: {
            **{k: v for k, v in inputs.items() if k != "rules"},
            "LifecycleConfiguration": {"rules": inputs["rules"]},
        },
        takes=("bucket", "rules", "expectedBucketOwner", "transitionDefaultMinimumObjectSize"),
    ),
    "aws:s3/bucketLogging:BucketLogging": _setting(
        "put_bucket_logging",
        None,
        lambda inputs: {
            "bucket": inputs["bucket"],
            "BucketLoggingStatus": {
                "LoggingEnabled": {k: v for k, v in inputs.items() if k != "bucket"}
            },
        },
        takes=("bucket", "targetBucket", "targetPrefix", "targetGrants", "targetObjectKeyFormat"),
        undo=_stop_logging,
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _setting(
        "put_object_lock_configuration",
        None,
        lambda inputs: {
            "bucket": inputs["bucket"],
            "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "rule": inputs["rule"]},
        },
        takes=("bucket", "rule", "objectLockEnabled"),
        undo=_stop_locking,
    ),
}


def _account(subject: Subject) -> dict[str, str]:
    return {"AccountId": subject.inputs.get("accountId") or subject.cloud.account}


_ACCOUNT_BLOCK = Call(
    "put_public_access_block",
    given=_account,
    takes=_BLOCKS,
    reshape=lambda inputs: {"PublicAccessBlockConfiguration": inputs},
)
DRIVERS["aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"] = AwsDriver(
    service="s3control",
    create_by=_ACCOUNT_BLOCK,
    updates=(_ACCOUNT_BLOCK,),
    delete_by=(Call("delete_public_access_block", given=_account),),
    id_is=lambda s: _account(s)["AccountId"],
    outputs_are={"accountId": lambda s: _account(s)["AccountId"]},
    replaced_by=frozenset({"accountId"}),
    steering=frozenset({"accountId"}),
)
