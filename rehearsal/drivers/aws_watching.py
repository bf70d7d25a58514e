"""Drivers for AWS Config, GuardDuty, and what guards images, vaults and log streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging, joined, of
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.drivers.base import Driver, Inputs


def _within(parameter: str) -> Callable[[Inputs], Inputs]:
    def reshape(inputs: Inputs) -> Inputs:
        tags = {name: value for name, value in inputs.items() if name == "Tags"}
        return {parameter: {k: v for k, v in inputs.items() if k not in tags}, **tags}

    return reshape


_RECORDER = Call(
    "put_configuration_recorder",
    takes=("name", "roleArn", "recordingGroup", "recordingMode"),
    reshape=_within("ConfigurationRecorder"),
)
RECORDER = AwsDriver(
    service="config",
    create_by=_RECORDER,
    updates=(_RECORDER,),
    delete_by=(
        Call("delete_configuration_recorder", given=lambda s: {"ConfigurationRecorderName": s.id}),
    ),
    id_is=of("name"),
    named="name",
    replaced_by=frozenset({"name"}),
)

_CHANNEL = Call(
    "put_delivery_channel",
    takes=(
        "name",
        "s3BucketName",
        "s3KeyPrefix",
        "s3KmsKeyArn",
        "snsTopicArn",
        "snapshotDeliveryProperties",
    ),
    rename={"snapshotDeliveryProperties": "configSnapshotDeliveryProperties"},
    reshape=_within("DeliveryChannel"),
)
DELIVERY_CHANNEL = AwsDriver(
    service="config",
    create_by=_CHANNEL,
    updates=(_CHANNEL,),
    delete_by=(Call("delete_delivery_channel", given=lambda s: {"DeliveryChannelName": s.id}),),
    id_is=of("name"),
    named="name",
    replaced_by=frozenset({"name"}),
)


def _recorder(subject: Subject) -> dict[str, str]:
    return {"ConfigurationRecorderName": subject.inputs["name"]}


def _set_recording(subject: Subject) -> None:
    if subject.inputs["isEnabled"]:
        subject.api.start_configuration_recorder(**_recorder(subject))
    else:
        subject.api.stop_configuration_recorder(**_recorder(subject))


RECORDER_STATUS = AwsDriver(
    service="config",
    create_by=Call(
        "describe_configuration_recorders",
        takes=("name",),
        reshape=lambda inputs: {"ConfigurationRecorderNames": [inputs["name"]]},
    ),
    updates=(Step({"isEnabled"}, _set_recording),),
    delete_by=(Call("stop_configuration_recorder", given=_recorder),),
    id_is=of("name"),
    replaced_by=frozenset({"name"}),
)

_RULE = Call(
    "put_config_rule",
    takes=(
        "name",
        "description",
        "source",
        "inputParameters",
        "maximumExecutionFrequency",
        "scope",
        "evaluationModes",
    ),
    rename={"name": "ConfigRuleName"},
    reshape=_within("ConfigRule"),
)
RULE = AwsDriver(
    service="config",
    create_by=_RULE,
    read_by=Call("describe_config_rules", given=lambda s: {"ConfigRuleNames": [s.id]}),
    updates=(_RULE,),
    delete_by=(Call("delete_config_rule", given=lambda s: {"ConfigRuleName": s.id}),),
    id_is=of("name"),
    outputs_are={"arn": "ConfigRules[0].ConfigRuleArn", "ruleId": "ConfigRules[0].ConfigRuleId"},
    named="name",
    tagging=Tagging("tag_resource", "untag_resource", lambda s: {"ResourceArn": s.outputs["arn"]}),
    replaced_by=frozenset({"name"}),
)

_AGGREGATOR = Call(
    "put_configuration_aggregator",
    rename={
        "name": "ConfigurationAggregatorName",
        "allRegions": "AllAwsRegions",
        "regions": "AwsRegions",
        "accountAggregationSource": "AccountAggregationSources",
    },
)
CONFIGURATION_AGGREGATOR = AwsDriver(
    service="config",
    create_by=_AGGREGATOR,
    read_by=Call(
        "describe_configuration_aggregators",
        given=lambda s: {"ConfigurationAggregatorNames": [s.id]},
    ),
    updates=(_AGGREGATOR,),
    delete_by=(
        Call(
            "delete_configuration_aggregator",
            given=lambda s: {"ConfigurationAggregatorName": s.id},
        ),
    ),
    id_is=of("name"),
    outputs_are={"arn": "ConfigurationAggregators[0].ConfigurationAggregatorArn"},
    named="name",
    tagging=Tagging("tag_resource", "untag_resource", lambda s: {"ResourceArn": s.outputs["arn"]}),
    replaced_by=frozenset({"name"}),
)


def _detector(subject: Subject) -> dict[str, str]:
    return {"DetectorId": subject.id}


DETECTOR = AwsDriver(
    service="guardduty",
    create_by=Call("create_detector", takes=("enable", "findingPublishingFrequency")),
    read_by=Call("get_detector", given=_detector),
    updates=(
        Call("update_detector", given=_detector, takes=("enable", "findingPublishingFrequency")),
    ),
    delete_by=(Call("delete_detector", given=_detector),),
    id_is="DetectorId",
    outputs_are={
        "arn": lambda s: s.arn("guardduty", f"detector/{s.id}"),
        "accountId": lambda s: s.cloud.account,
    },
    tagging=Tagging(
        "tag_resource",
        "untag_resource",
        lambda s: {"ResourceArn": s.arn("guardduty", f"detector/{s.id}")},
    ),
    gone_too=("BadRequestException",),
)

_SCANNING = Call("put_registry_scanning_configuration")
REGISTRY_SCANNING_CONFIGURATION = AwsDriver(
    service="ecr",
    create_by=_SCANNING,
    updates=(_SCANNING,),
    delete_by=(
        Call(
            "put_registry_scanning_configuration",
            given=lambda _: {"scanType": "BASIC", "rules": []},
        ),
    ),
    id_is=lambda s: s.cloud.account,
    outputs_are={"registryId": lambda s: s.cloud.account},
)

_STREAM = {"name": "logStreamName"}
LOG_STREAM = AwsDriver(
    service="logs",
    create_by=Call("create_log_stream", rename=_STREAM),
    delete_by=(Call("delete_log_stream", takes=("logGroupName", "name"), rename=_STREAM),),
    id_is=joined(":", "logGroupName", "name"),
    outputs_are={
        "arn": lambda s: s.arn(
            "logs", f"log-group:{s.inputs['logGroupName']}:log-stream:{s.inputs['name']}"
        )
    },
    named="name",
    replaced_by=frozenset({"logGroupName", "name"}),
)

_VAULT_LOCK = Call("put_backup_vault_lock_configuration")
VAULT_LOCK_CONFIGURATION = AwsDriver(
    service="backup",
    create_by=_VAULT_LOCK,
    updates=(_VAULT_LOCK,),
    delete_by=(Call("delete_backup_vault_lock_configuration", takes=("backupVaultName",)),),
    id_is=of("backupVaultName"),
    outputs_are={
        "backupVaultArn": lambda s: s.arn("backup", f"backup-vault:{s.inputs['backupVaultName']}")
    },
    replaced_by=frozenset({"backupVaultName", "changeableForDays"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:cfg/recorder:Recorder": RECORDER,
    "aws:cfg/deliveryChannel:DeliveryChannel": DELIVERY_CHANNEL,
    "aws:cfg/recorderStatus:RecorderStatus": RECORDER_STATUS,
    "aws:cfg/rule:Rule": RULE,
    "aws:cfg/configurationAggregator:ConfigurationAggregator": CONFIGURATION_AGGREGATOR,
    "aws:guardduty/detector:Detector": DETECTOR,
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": (
        REGISTRY_SCANNING_CONFIGURATION
    ),
    "aws:cloudwatch/logStream:LogStream": LOG_STREAM,
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": VAULT_LOCK_CONFIGURATION,
}
