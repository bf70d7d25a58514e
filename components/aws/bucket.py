"""Private, versioned, encrypted buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import pulumi
import pulumi_aws as aws
from pydantic import Field

from catalog.base import CatalogModel
from components.aws.adoption import adopted
from components.aws.policy_document import policy_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UPLOAD_DAYS = 7
"""An upload of parts that has not ended in a week never will; its parts are billed till removed."""


class BucketSpec(CatalogModel):
    """How long a bucket keeps what is in it."""

    versions_days: Annotated[int, Field(ge=1, le=3653)]
    """Days for which an overwritten or deleted object can be brought back."""
    lock_days: Annotated[int, Field(ge=1, le=3653)] | None = None
    """Days in which nobody, the account's root included, may delete a version."""
    expiry_days: Annotated[int, Field(ge=1, le=3653)] | None = None
    """Days after which objects expire; kept for ever by default."""


class Bucket(pulumi.ComponentResource):
    """A bucket that only its account may read, over TLS, in the encryption that was asked for.

    With `key_arn` None objects are encrypted by S3's own key, which log delivery services need.
    `statements` open the bucket to others; without any, no other account is ever let in.

    A bucket outlives its removal from the program, and so does everything that keeps it closed,
    encrypted and versioned. The engine refuses that removal while `protect` is on: it goes off one
    update before. With `adopt` the bucket is there from an earlier stay and is taken over, objects
    and all.
    """

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: BucketSpec,
        *,
        bucket_name: str,
        key_arn: pulumi.Input[str] | None,
        account: str,
        statements: Sequence[Mapping[str, Any]] = (),
        log_bucket: pulumi.Input[str] | None = None,
        protect: bool = True,
        adopt: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Bucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=bucket_name,
            force_destroy=False,
            object_lock_enabled=spec.lock_days is not None,
            opts=pulumi.ResourceOptions.merge(
                adopted(bucket_name if adopt else None, "forceDestroy"),
                pulumi.ResourceOptions(parent=self, protect=protect, retain_on_delete=True),
            ),
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=child,
        )
        closed = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption", bucket=bucket.bucket, rules=[_encryption(key_arn)], opts=child
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            rules=_lifecycle(spec),
            # Rules on old versions are refused until the bucket has versions.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[versioning], retain_on_delete=True
            ),
        )
        policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=policy_document(
                [
                    *_guards(bucket.arn, key_arn),
                    *(statements or [_no_other_account(bucket.arn, account)]),
                ]
            ),
            # S3 refuses two changes of a bucket's access at the same time.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed], retain_on_delete=True),
        )
        if spec.lock_days is not None:
            aws.s3.BucketObjectLockConfiguration(
                f"{name}-lock",
                bucket=bucket.bucket,
                rule={"default_retention": {"mode": "COMPLIANCE", "days": spec.lock_days}},
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[versioning], retain_on_delete=True
                ),
            )
        if log_bucket is not None:
            aws.s3.BucketLogging(
                f"{name}-logging",
                bucket=bucket.bucket,
                target_bucket=log_bucket,
                target_prefix=f"s3/{bucket_name}/",
                opts=child,
            )
        # Services that are told the name try the bucket at once, so its policy must stand by then.
        self.bucket_name = policy.bucket
        self.bucket_arn = bucket.arn
        self.register_outputs({"bucket_name": self.bucket_name, "bucket_arn": self.bucket_arn})


def _encryption(
    key_arn: pulumi.Input[str] | None,
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    if key_arn is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {
            "sse_algorithm": "aws:kms",
            "kms_master_key_id": key_arn,
        },
        "bucket_key_enabled": True,
    }


def _lifecycle(spec: BucketSpec) -> list[aws.s3.BucketLifecycleConfigurationRuleArgsDict]:
    rules: list[aws.s3.BucketLifecycleConfigurationRuleArgsDict] = [
        {
            "id": "old-versions",
            "status": "Enabled",
            "filter": {},
            "noncurrent_version_expiration": {"noncurrent_days": spec.versions_days},
            "abort_incomplete_multipart_upload": {"days_after_initiation": UPLOAD_DAYS},
        }
    ]
    if spec.expiry_days is not None:
        rules.append(
            {
                "id": "expiry",
                "status": "Enabled",
                "filter": {},
                "expiration": {"days": spec.expiry_days},
            }
        )
    return rules


def _guards(arn: pulumi.Output[str], key_arn: pulumi.Input[str] | None) -> list[dict[str, Any]]:
    objects = pulumi.Output.concat(arn, "/*")
    guards: list[dict[str, Any]] = [
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": [arn, objects],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "NoOldTls",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": [arn, objects],
            "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        },
    ]
    if key_arn is None:
        return guards
    algorithm = "s3:x-amz-server-side-encryption"
    key = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    # An upload that names nothing gets the bucket's default; only one that asks for less is denied.
    for sid, header, allowed in (
        ("NoOtherEncryption", algorithm, "aws:kms"),
        ("NoOtherKey", key, key_arn),
    ):
        guards.append(
            {
                "Sid": sid,
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "s3:PutObject",
                "Resource": objects,
                "Condition": {"StringNotEquals": {header: allowed}, "Null": {header: "false"}},
            }
        )
    return guards


def _no_other_account(arn: pulumi.Output[str], account: str) -> dict[str, Any]:
    return {
        "Sid": "NoOtherAccount",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [arn, pulumi.Output.concat(arn, "/*")],
        "Condition": {
            "StringNotEquals": {"aws:PrincipalAccount": account},
            "Bool": {"aws:PrincipalIsAWSService": "false"},
        },
    }
