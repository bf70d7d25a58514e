"""Drivers for KMS keys and aliases, secrets and parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging, of
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver


def _key(subject: Subject) -> dict[str, str]:
    return {"KeyId": subject.id}


def _set_rotation(subject: Subject) -> None:
    if subject.inputs.get("enableKeyRotation"):
        days = subject.inputs.get("rotationPeriodInDays")
        period = {"RotationPeriodInDays": int(days)} if days else {}
        subject.api.enable_key_rotation(KeyId=subject.id, **period)
    else:
        subject.api.disable_key_rotation(KeyId=subject.id)


def _set_enabled(subject: Subject) -> None:
    if subject.inputs.get("isEnabled", True):
        subject.api.enable_key(KeyId=subject.id)
    else:
        subject.api.disable_key(KeyId=subject.id)


KEY = AwsDriver(
    service="kms",
    create_by=Call(
        "create_key",
        takes=(
            "policy",
            "description",
            "keyUsage",
            "customerMasterKeySpec",
            "multiRegion",
            "bypassPolicyLockoutSafetyCheck",
        ),
        rename={"customerMasterKeySpec": "KeySpec"},
    ),
    read_by=Call("describe_key", given=_key),
    updates=(
        Step({"enableKeyRotation", "rotationPeriodInDays"}, _set_rotation),
        Step({"isEnabled"}, _set_enabled),
        Call(
            "put_key_policy",
            given=lambda s: {**_key(s), "PolicyName": "default"},
            takes=("policy",),
        ),
        Call("update_key_description", given=_key, takes=("description",)),
    ),
    delete_by=(
        Call(
            "schedule_key_deletion",
            given=lambda s: {
                **_key(s),
                "PendingWindowInDays": int(s.inputs.get("deletionWindowInDays") or 30),
            },
        ),
    ),
    id_is="KeyMetadata.KeyId",
    outputs_are={"arn": "KeyMetadata.Arn", "keyId": "KeyMetadata.KeyId"},
    tagging=Tagging("tag_resource", "untag_resource", _key),
    replaced_by=frozenset({"keyUsage", "customerMasterKeySpec", "multiRegion", "customKeyStoreId"}),
    steering=frozenset({"deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"}),
    # A key that waits for its deletion already.
    gone_too=("KMSInvalidStateException",),
)


class Alias(AwsDriver):
    """An alias of a key; its name starts with `alias/`, whoever makes it up."""

    def _named(self, name: str, inputs: dict[str, object]) -> dict[str, object]:
        named = super()._named(name, inputs)
        text = str(named["name"])
        return {**named, "name": text if text.startswith("alias/") else f"alias/{text}"}


ALIAS = Alias(
    service="kms",
    create_by=Call("create_alias", rename={"name": "AliasName"}),
    updates=(Call("update_alias", takes=("targetKeyId",), given=lambda s: {"AliasName": s.id}),),
    delete_by=(Call("delete_alias", given=lambda s: {"AliasName": s.id}),),
    id_is=of("name"),
    outputs_are={
        "arn": lambda s: s.arn("kms", s.inputs["name"]),
        "targetKeyArn": lambda s: s.api.describe_key(KeyId=s.inputs["targetKeyId"])["KeyMetadata"][
            "Arn"
        ],
    },
    named="name",
    replaced_by=frozenset({"name", "namePrefix"}),
)


def _secret(subject: Subject) -> dict[str, str]:
    return {"SecretId": subject.id}


def _delete_secret(subject: Subject) -> None:
    days = int(subject.inputs.get("recoveryWindowInDays", 30))
    how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    subject.api.delete_secret(SecretId=subject.id, **how)


SECRET = AwsDriver(
    service="secretsmanager",
    create_by=Call("create_secret", takes=("name", "description", "kmsKeyId")),
    read_by=Call("describe_secret", given=_secret),
    updates=(
        Call("update_secret", given=_secret, takes=("description", "kmsKeyId")),
        Call(
            "put_resource_policy",
            given=_secret,
            takes=("policy",),
            rename={"policy": "ResourcePolicy"},
        ),
    ),
    delete_by=(_delete_secret,),
    id_is="ARN",
    outputs_are={"arn": "ARN"},
    named="name",
    tagging=Tagging("tag_resource", "untag_resource", _secret),
    replaced_by=frozenset({"name", "namePrefix"}),
    steering=frozenset({"recoveryWindowInDays", "forceOverwriteReplicaSecret"}),
    # A secret that is within its recovery window already.
    gone_too=("InvalidRequestException",),
)

_SECRET_VERSION = Call(
    "put_secret_value",
    takes=("secretId", "secretString", "secretStringWo", "versionStages"),
    rename={"secretStringWo": "SecretString"},
)


def _release_labels(subject: Subject) -> None:
    """Take all labels but AWSCURRENT off, as a version itself cannot be deleted."""
    secret = subject.inputs["secretId"]
    version = subject.outputs["versionId"]
    stages = subject.api.describe_secret(SecretId=secret)["VersionIdsToStages"].get(version, ())
    for stage in stages:
        if stage != "AWSCURRENT":
            subject.api.update_secret_version_stage(
                SecretId=secret, VersionStage=stage, RemoveFromVersionId=version
            )


SECRET_VERSION = AwsDriver(
    service="secretsmanager",
    create_by=_SECRET_VERSION,
    delete_by=(_release_labels,),
    id_is=lambda s: f"{s.answer['ARN']}|{s.answer['VersionId']}",
    outputs_are={"arn": "ARN", "secretArn": "ARN", "versionId": "VersionId"},
    replaced_by=frozenset({"secretId", "secretString", "secretBinary", "secretStringWoVersion"}),
    steering=frozenset({"secretStringWoVersion"}),
)

_SECRET_POLICY = Call(
    "put_resource_policy",
    rename={"secretArn": "SecretId", "policy": "ResourcePolicy"},
)
SECRET_POLICY = AwsDriver(
    service="secretsmanager",
    create_by=_SECRET_POLICY,
    updates=(_SECRET_POLICY,),
    delete_by=(
        Call("delete_resource_policy", takes=("secretArn",), rename={"secretArn": "SecretId"}),
    ),
    id_is=of("secretArn"),
    replaced_by=frozenset({"secretArn"}),
)

_VALUES = {"insecureValue": "Value", "valueWo": "Value"}
PARAMETER = AwsDriver(
    service="ssm",
    create_by=Call("put_parameter", rename=_VALUES),
    read_by=Call("get_parameter", given=lambda s: {"Name": s.id}),
    updates=(Call("put_parameter", rename=_VALUES, given=lambda _: {"Overwrite": True}),),
    delete_by=(Call("delete_parameter", given=lambda s: {"Name": s.id}),),
    id_is=of("name"),
    outputs_are={"arn": "Parameter.ARN", "version": "Parameter.Version"},
    named="name",
    tagging=Tagging(
        "add_tags_to_resource",
        "remove_tags_from_resource",
        lambda s: {"ResourceType": "Parameter", "ResourceId": s.id},
    ),
    replaced_by=frozenset({"name"}),
    steering=frozenset({"overwrite", "valueWoVersion"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:kms/key:Key": KEY,
    "aws:kms/alias:Alias": ALIAS,
    "aws:secretsmanager/secret:Secret": SECRET,
    "aws:secretsmanager/secretVersion:SecretVersion": SECRET_VERSION,
    "aws:secretsmanager/secretPolicy:SecretPolicy": SECRET_POLICY,
    "aws:ssm/parameter:Parameter": PARAMETER,
}
