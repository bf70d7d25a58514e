"""The key that encrypts the states and the secrets in them, with a replica where the copy lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bootstrap.piece import Document, same, text

if TYPE_CHECKING:
    from collections.abc import Callable

DESCRIPTION = "Encrypts Pulumi's states and the secrets in them"


@dataclass(frozen=True)
class StateKey:
    """A multi-region key, so that its secrets can be opened where the states' copy is."""

    alias: str
    region: str
    copy_region: str
    policy: Document
    client: Callable[[str, str], Any]
    """A boto3 client of a service in a region."""

    @property
    def title(self) -> str:
        """What it is."""
        return f"the key {self.alias} in {self.region}, with a replica in {self.copy_region}"

    def arn(self, region: str) -> str | None:
        """The key's ARN in a region; None where it has none there."""
        found = self._found(region, self.alias)
        return None if found is None else str(found["Arn"])

    def differences(self) -> list[str]:
        """What is missing or differs."""
        found: list[str] = []
        for region in (self.region, self.copy_region):
            arn = self.arn(region)
            if arn is None:
                found.append(f"no key {self.alias} in {region}")
                continue
            if not self._multi_region(region):
                found.append(
                    f"the key {self.alias} in {region} is of one region only, so that the secrets "
                    "are lost with it; AWS can't change that: give it another alias"
                )
            if not same(self._policy(region, arn), self.policy):
                found.append(f"the policy of {self.alias} in {region} differs")
            if region == self.region and not self._rotates(arn):
                found.append(f"{self.alias} does not rotate")
        return found

    def make(self) -> None:
        """Create the key and its replica where they are missing; set policies and rotation."""
        arn = self.arn(self.region)
        if arn is None:
            kms = self._kms(self.region)
            arn = kms.create_key(
                Description=DESCRIPTION, MultiRegion=True, Policy=text(self.policy)
            )["KeyMetadata"]["Arn"]
            kms.create_alias(AliasName=self.alias, TargetKeyId=arn)
        identity = arn.rpartition("/")[2]
        if self._found(self.copy_region, identity) is None:
            self._kms(self.region).replicate_key(
                KeyId=identity,
                ReplicaRegion=self.copy_region,
                Description=DESCRIPTION,
                Policy=text(self.policy),
            )
        if self.arn(self.copy_region) is None:
            self._kms(self.copy_region).create_alias(AliasName=self.alias, TargetKeyId=identity)
        for region in (self.region, self.copy_region):
            own = self.arn(region)
            assert own is not None
            if not same(self._policy(region, own), self.policy):
                self._kms(region).put_key_policy(
                    KeyId=own, PolicyName="default", Policy=text(self.policy)
                )
        if not self._rotates(arn):
            self._kms(self.region).enable_key_rotation(KeyId=arn)

    def _multi_region(self, region: str) -> bool:
        found = self._found(region, self.alias)
        return found is not None and bool(found.get("MultiRegion"))

    def _found(self, region: str, key: str) -> Document | None:
        """What is known of a key by its id or alias; None where the region has none."""
        try:
            return dict(self._kms(region).describe_key(KeyId=key)["KeyMetadata"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NotFoundException":
                return None
            raise

    def _policy(self, region: str, arn: str) -> str:
        found = self._kms(region).get_key_policy(KeyId=arn, PolicyName="default")
        return str(found["Policy"])

    def _rotates(self, arn: str) -> bool:
        return bool(self._kms(self.region).get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"])

    def _kms(self, region: str) -> Any:
        return self.client("kms", region)
