"""The bucket of the states, and the one in another region that has a copy of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bootstrap.piece import Document, same, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from bootstrap.state_key import StateKey

KEPT_DAYS = 365
"""Days that a state which was replaced or deleted can be had back."""

BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}

LIFECYCLE = {
    "ID": "states",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": KEPT_DAYS},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}


@dataclass(frozen=True)
class Replication:
    """Where every version goes as well, and the role that S3 takes for it."""

    bucket: str
    region: str
    role_arn: str


@dataclass(frozen=True)
class StateBucket:
    """A private, versioned bucket encrypted by the states' key."""

    name: str
    region: str
    key: StateKey
    policy: Document
    client: Callable[[str, str], Any]
    replication: Replication | None = None

    @property
    def title(self) -> str:
        """What it is."""
        return f"the bucket {self.name} in {self.region}"

    def differences(self) -> list[str]:
        """What is missing or differs."""
        if not self._exists():
            return [f"no bucket {self.name} in {self.region}"]
        return [f"{self.name}: {words}" for words, right, _ in self._settings() if not right()]

    def make(self) -> None:
        """Create the bucket where it is missing, and set what differs."""
        if not self._exists():
            # The one region that must not be named.
            elsewhere = (
                {}
                if self.region == "us-east-1"
                else {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
            )
            self._s3.create_bucket(
                Bucket=self.name, ObjectOwnership="BucketOwnerEnforced", **elsewhere
            )
        for _, right, put in self._settings():
            if not right():
                put()

    def _settings(self) -> list[tuple[str, Callable[[], bool], Callable[[], Any]]]:
        s3, bucket = self._s3, {"Bucket": self.name}
        found: list[tuple[str, Callable[[], bool], Callable[[], Any]]] = [
            (
                "public access is not blocked",
                lambda: (
                    self._read("get_public_access_block", "PublicAccessBlockConfiguration")
                    == BLOCKED
                ),
                lambda: s3.put_public_access_block(
                    **bucket, PublicAccessBlockConfiguration=BLOCKED
                ),
            ),
            (
                "versions are not kept",
                lambda: self._read("get_bucket_versioning", "Status") == "Enabled",
                lambda: s3.put_bucket_versioning(
                    **bucket, VersioningConfiguration={"Status": "Enabled"}
                ),
            ),
            (
                "it is not encrypted by the states' key",
                lambda: self._encrypted(),
                lambda: s3.put_bucket_encryption(
                    **bucket, ServerSideEncryptionConfiguration={"Rules": [self._encryption]}
                ),
            ),
            (
                f"replaced states are not kept for {KEPT_DAYS} days",
                lambda: self._kept(),
                lambda: s3.put_bucket_lifecycle_configuration(
                    **bucket, LifecycleConfiguration={"Rules": [LIFECYCLE]}
                ),
            ),
            (
                "its policy differs",
                lambda: same(self._read("get_bucket_policy", "Policy"), self.policy),
                lambda: s3.put_bucket_policy(**bucket, Policy=text(self.policy)),
            ),
        ]
        if self.replication is not None:
            found.append(
                (
                    f"it is not copied to {self.replication.bucket}",
                    lambda: self._replicates(),
                    lambda: s3.put_bucket_replication(
                        **bucket, ReplicationConfiguration=self._replicated
                    ),
                )
            )
        return found

    @property
    def _encryption(self) -> Document:
        return {
            "ApplyServerSideEncryptionByDefault": {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": self.key.arn(self.region),
            },
            "BucketKeyEnabled": True,
        }

    @property
    def _replicated(self) -> Document:
        assert self.replication is not None
        return {
            "Role": self.replication.role_arn,
            "Rules": [
                {
                    "ID": "copy",
                    "Status": "Enabled",
                    "Priority": 1,
                    "Filter": {"Prefix": ""},
                    # What is deleted here can still be had there.
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
                    "Destination": {
                        "Bucket": f"arn:aws:s3:::{self.replication.bucket}",
                        "EncryptionConfiguration": {
                            "ReplicaKmsKeyID": self.key.arn(self.replication.region)
                        },
                    },
                }
            ],
        }

    def _encrypted(self) -> bool:
        found = self._read("get_bucket_encryption", "ServerSideEncryptionConfiguration") or {}
        rules = found.get("Rules", [])
        wanted = self._encryption
        return len(rules) == 1 and {key: rules[0].get(key) for key in wanted} == wanted

    def _kept(self) -> bool:
        rules = self._read("get_bucket_lifecycle_configuration", "Rules") or []
        return len(rules) == 1 and {key: rules[0].get(key) for key in LIFECYCLE} == LIFECYCLE

    def _replicates(self) -> bool:
        found = self._read("get_bucket_replication", "ReplicationConfiguration") or {}
        wanted = self._replicated
        if found.get("Role") != wanted["Role"] or len(found.get("Rules", [])) != 1:
            return False
        (rule,), (asked,) = found["Rules"], wanted["Rules"]
        return bool({key: rule.get(key) for key in asked} == asked)

    def _exists(self) -> bool:
        try:
            self._s3.head_bucket(Bucket=self.name)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
                return False
            raise
        return True

    def _read(self, call: str, key: str) -> Any:
        """One setting; None where the bucket has none."""
        try:
            return getattr(self._s3, call)(Bucket=self.name).get(key)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code.startswith("NoSuch") or code.endswith("NotFoundError"):
                return None
            raise

    @property
    def _s3(self) -> Any:
        return self.client("s3", self.region)
