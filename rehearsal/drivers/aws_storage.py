"""Drivers for DynamoDB tables, backup vaults and plans, and image repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver, Inputs


def _table(subject: Subject) -> dict[str, str]:
    return {"TableName": subject.id}


def _key_schema(inputs: Inputs) -> list[dict[str, str]]:
    schema = [{"AttributeName": inputs["hashKey"], "KeyType": "HASH"}]
    if inputs.get("rangeKey"):
        schema.append({"AttributeName": inputs["rangeKey"], "KeyType": "RANGE"})
    return schema


def _index(index: Inputs) -> Inputs:
    form: Inputs = {
        "indexName": index["name"],
        "keySchema": _key_schema(index),
        "projection": {
            "projectionType": index["projectionType"],
            "nonKeyAttributes": index.get("nonKeyAttributes"),
        },
    }
    if index.get("readCapacity"):
        form["provisionedThroughput"] = _throughput(index)
    return form


def _throughput(inputs: Inputs) -> Inputs:
    return {
        "readCapacityUnits": inputs["readCapacity"],
        "writeCapacityUnits": inputs["writeCapacity"],
    }


def _table_form(inputs: Inputs) -> Inputs:
    form: Inputs = {
        "TableName": inputs.get("name"),
        "tableClass": inputs.get("tableClass"),
        "deletionProtectionEnabled": inputs.get("deletionProtectionEnabled"),
        "billingMode": inputs.get("billingMode"),
    }
    if "hashKey" in inputs:
        form["keySchema"] = _key_schema(inputs)
    if "attributes" in inputs:
        form["attributeDefinitions"] = [
            {"attributeName": a["name"], "attributeType": a["type"]} for a in inputs["attributes"]
        ]
    for name, api in (
        ("globalSecondaryIndexes", "GlobalSecondaryIndexes"),
        ("localSecondaryIndexes", "LocalSecondaryIndexes"),
    ):
        if inputs.get(name):
            form[api] = [_index(index) for index in inputs[name]]
    if inputs.get("readCapacity"):
        form["provisionedThroughput"] = _throughput(inputs)
    if "streamEnabled" in inputs:
        on = inputs["streamEnabled"]
        form["streamSpecification"] = {
            "streamEnabled": on,
            "streamViewType": inputs.get("streamViewType") if on else None,
        }
    encryption = inputs.get("serverSideEncryption")
    if encryption:
        key = encryption.get("kmsKeyArn")
        form["SSESpecification"] = {
            "enabled": encryption["enabled"],
            "SSEType": "KMS" if key else None,
            "KMSMasterKeyId": key,
        }
    return form


def _set_recovery(subject: Subject) -> None:
    recovery = subject.inputs.get("pointInTimeRecovery") or {"enabled": False}
    days = recovery.get("recoveryPeriodInDays")
    subject.api.update_continuous_backups(
        **_table(subject),
        PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": recovery["enabled"],
            **({"RecoveryPeriodInDays": int(days)} if days else {}),
        },
    )


def _set_expiry(subject: Subject) -> None:
    expiry = subject.inputs.get("ttl") or {**subject.before["ttl"], "enabled": False}
    subject.api.update_time_to_live(
        **_table(subject),
        TimeToLiveSpecification={
            "Enabled": expiry.get("enabled", True),
            "AttributeName": expiry["attributeName"],
        },
    )


_TABLE_CHANGES = (
    "billingMode",
    "deletionProtectionEnabled",
    "readCapacity",
    "writeCapacity",
    "serverSideEncryption",
    "streamEnabled",
    "streamViewType",
    "tableClass",
)
TABLE = AwsDriver(
    service="dynamodb",
    create_by=Call(
        "create_table",
        takes=(
            *_TABLE_CHANGES,
            "attributes",
            "globalSecondaryIndexes",
            "hashKey",
            "localSecondaryIndexes",
            "name",
            "rangeKey",
        ),
        reshape=_table_form,
    ),
    read_by=Call("describe_table", given=_table),
    updates=(
        Step({"pointInTimeRecovery"}, _set_recovery),
        Step({"ttl"}, _set_expiry),
        Call("update_table", given=_table, takes=_TABLE_CHANGES, reshape=_table_form, partial=True),
    ),
    delete_by=(Call("delete_table", given=_table),),
    id_is="TableDescription.TableName",
    outputs_are={
        "arn": "Table.TableArn",
        "streamArn": "Table.LatestStreamArn",
        "streamLabel": "Table.LatestStreamLabel",
    },
    named="name",
    tagging=Tagging(
        "tag_resource",
        "untag_resource",
        lambda s: {"ResourceArn": s.arn("dynamodb", f"table/{s.id}")},
    ),
    replaced_by=frozenset({"name", "hashKey", "rangeKey", "localSecondaryIndexes"}),
)

_VAULT_NAMES = {"name": "BackupVaultName", "kmsKeyArn": "EncryptionKeyArn"}
VAULT = AwsDriver(
    service="backup",
    create_by=Call("create_backup_vault", rename=_VAULT_NAMES),
    read_by=Call("describe_backup_vault", given=lambda s: {"BackupVaultName": s.id}),
    delete_by=(Call("delete_backup_vault", given=lambda s: {"BackupVaultName": s.id}),),
    id_is="BackupVaultName",
    outputs_are={"arn": "BackupVaultArn", "recoveryPoints": "NumberOfRecoveryPoints"},
    named="name",
    tagging=Tagging(
        "tag_resource",
        "untag_resource",
        lambda s: {"ResourceArn": s.arn("backup", f"backup-vault:{s.id}")},
    ),
    replaced_by=frozenset({"name", "kmsKeyArn"}),
    steering=frozenset({"forceDestroy"}),
)


def _plan_form(inputs: Inputs) -> Inputs:
    rules = [
        {
            **{
                k: v
                for k, v in rule.items()
                if k not in ("schedule", "completionWindow", "startWindow")
            },
            "scheduleExpression": rule.get("schedule"),
            "startWindowMinutes": rule.get("startWindow"),
            "completionWindowMinutes": rule.get("completionWindow"),
            "copyActions": [_copy(action) for action in rule.get("copyActions") or ()] or None,
        }
        for rule in inputs["rules"]
    ]
    advanced = inputs.get("advancedBackupSettings")
    return {
        "BackupPlan": {
            "backupPlanName": inputs["name"],
            "rules": rules,
            "advancedBackupSettings": advanced,
        }
    }


def _copy(action: Inputs) -> Inputs:
    return {
        "destinationBackupVaultArn": action["destinationVaultArn"],
        "lifecycle": action.get("lifecycle"),
    }


_PLAN_NAMES = {
    "targetVaultName": "TargetBackupVaultName",
    "coldStorageAfter": "MoveToColdStorageAfterDays",
    "deleteAfter": "DeleteAfterDays",
}


def _plan(subject: Subject) -> dict[str, str]:
    return {"BackupPlanId": subject.id}


PLAN = AwsDriver(
    service="backup",
    create_by=Call(
        "create_backup_plan",
        takes=("name", "rules", "advancedBackupSettings"),
        rename=_PLAN_NAMES,
        reshape=_plan_form,
    ),
    read_by=Call("get_backup_plan", given=_plan),
    updates=(
        Call(
            "update_backup_plan",
            given=_plan,
            takes=("name", "rules", "advancedBackupSettings"),
            rename=_PLAN_NAMES,
            reshape=_plan_form,
        ),
    ),
    delete_by=(Call("delete_backup_plan", given=_plan),),
    id_is="BackupPlanId",
    outputs_are={"arn": "BackupPlanArn", "version": "VersionId"},
    named="name",
    tagging=Tagging(
        "tag_resource",
        "untag_resource",
        lambda s: {"ResourceArn": s.arn("backup", f"backup-plan:{s.id}")},
    ),
)


def _repository_form(inputs: Inputs) -> Inputs:
    form: dict[str, Any] = dict(inputs)
    encryption = form.pop("encryptionConfigurations", None)
    if encryption:
        form["encryptionConfiguration"] = encryption[0]
    return form


def _repository(subject: Subject) -> dict[str, str]:
    return {"repositoryName": subject.id}


REPOSITORY = AwsDriver(
    service="ecr",
    create_by=Call(
        "create_repository",
        takes=(
            "name",
            "encryptionConfigurations",
            "imageScanningConfiguration",
            "imageTagMutability",
            "imageTagMutabilityExclusionFilters",
        ),
        rename={"name": "repositoryName"},
        reshape=_repository_form,
    ),
    read_by=Call("describe_repositories", given=lambda s: {"repositoryNames": [s.id]}),
    updates=(
        Call(
            "put_image_repository_form_configuration",
            given=_repository,
            takes=("imageScanningConfiguration",),
        ),
        Call(
            "put_image_tag_mutability",
            given=_repository,
            takes=("imageTagMutability", "imageTagMutabilityExclusionFilters"),
        ),
    ),
    delete_by=(
        Call(
            "delete_repository",
            given=lambda s: {**_repository(s), "force": bool(s.inputs.get("forceDelete"))},
        ),
    ),
    id_is="repository.repositoryName",
    outputs_are={
        "arn": "repositories[0].repositoryArn",
        "registryId": "repositories[0].registryId",
        "repositoryUrl": "repositories[0].repositoryUri",
    },
    named="name",
    tagging=Tagging(
        "tag_resource",
        "untag_resource",
        lambda s: {"resourceArn": s.arn("ecr", f"repository/{s.id}")},
    ),
    replaced_by=frozenset({"name", "encryptionConfigurations"}),
    steering=frozenset({"forceDelete"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:dynamodb/table:Table": TABLE,
    "aws:backup/vault:Vault": VAULT,
    "aws:backup/plan:Plan": PLAN,
    "aws:ecr/repository:Repository": REPOSITORY,
}
