"""Cases for AWS Config, GuardDuty, and what guards images, vaults and log streams."""

from __future__ import annotations

from aws_case import ACCOUNT, Case, Subject, Surroundings

TAGS = {"tags": {"Name": "tested"}}


def _recorder(around: Surroundings) -> str:
    # AWS Config has one recorder and one channel in a region, so cases put them anew.
    config = around.api("config")
    role = around.role("config", "config.amazonaws.com")[1]
    config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": role})
    config.put_delivery_channel(
        DeliveryChannel={"name": "default", "s3BucketName": around.bucket("configuration")}
    )
    return "default"


def _detector(s: Subject) -> object:
    return s.api("guardduty").get_detector(DetectorId=s.id)


def _lock(s: Subject) -> object:
    return s.api("backup").describe_backup_vault(BackupVaultName=s.inputs["backupVaultName"])


CASES = {
    "aws:cfg/recorder:Recorder": Case(
        inputs=lambda a: {
            "name": "default",
            "roleArn": a.role("config", "config.amazonaws.com")[1],
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
            "recordingMode": {"recordingFrequency": "CONTINUOUS"},
        },
        read=lambda s: s.api("config").describe_configuration_recorders(
            ConfigurationRecorderNames=[s.id]
        ),
        shows={"ConfigurationRecorders[0].recordingGroup.includeGlobalResourceTypes": True},
        change=lambda a: {
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": False}
        },
        then={
            "ConfigurationRecorders[0].recordingGroup.includeGlobalResourceTypes": False,
            "ConfigurationRecorders[0].name": "default",
        },
    ),
    "aws:cfg/deliveryChannel:DeliveryChannel": Case(
        inputs=lambda a: {
            "name": _recorder(a),
            "s3BucketName": a.bucket("configuration"),
            "snapshotDeliveryProperties": {"deliveryFrequency": "TwentyFour_Hours"},
        },
        read=lambda s: s.api("config").describe_delivery_channels(DeliveryChannelNames=[s.id]),
        shows={
            "DeliveryChannels[0].configSnapshotDeliveryProperties.deliveryFrequency": (
                "TwentyFour_Hours"
            )
        },
        change=lambda a: {"snapshotDeliveryProperties": {"deliveryFrequency": "One_Hour"}},
        then={"DeliveryChannels[0].configSnapshotDeliveryProperties.deliveryFrequency": "One_Hour"},
    ),
    "aws:cfg/recorderStatus:RecorderStatus": Case(
        inputs=lambda a: {"name": _recorder(a), "isEnabled": True},
        read=lambda s: s.api("config").describe_configuration_recorder_status(),
        shows={"ConfigurationRecordersStatus[0].recording": True},
        change=lambda a: {"isEnabled": False},
        then={"ConfigurationRecordersStatus[0].recording": False},
    ),
    "aws:cfg/rule:Rule": Case(
        inputs=lambda a: {
            "name": "encrypted-volumes",
            "description": "Volumes are encrypted",
            "source": {"owner": "AWS", "sourceIdentifier": "ENCRYPTED_VOLUMES"},
            **TAGS,
        },
        read=lambda s: s.api("config").describe_config_rules(ConfigRuleNames=[s.id]),
        shows={"ConfigRules[0].Source.SourceIdentifier": "ENCRYPTED_VOLUMES"},
        change=lambda a: {"description": "Every volume is encrypted"},
        then={"ConfigRules[0].Description": "Every volume is encrypted"},
        outputs={"arn": ":config-rule/", "ruleId": "config-rule-"},
    ),
    "aws:cfg/configurationAggregator:ConfigurationAggregator": Case(
        inputs=lambda a: {
            "name": "organization",
            "organizationAggregationSource": {
                "allRegions": True,
                "roleArn": a.role("aggregator", "config.amazonaws.com")[1],
            },
            **TAGS,
        },
        read=lambda s: s.api("config").describe_configuration_aggregators(
            ConfigurationAggregatorNames=[s.id]
        ),
        shows={"ConfigurationAggregators[0].OrganizationAggregationSource.AllAwsRegions": True},
        change=lambda a: {
            "organizationAggregationSource": {
                "regions": ["eu-west-1"],
                "roleArn": a.role("aggregator", "config.amazonaws.com")[1],
            }
        },
        then={
            "ConfigurationAggregators[0].OrganizationAggregationSource.AwsRegions": ["eu-west-1"]
        },
        outputs={"arn": ":config-aggregator/"},
    ),
    "aws:guardduty/detector:Detector": Case(
        inputs=lambda a: {
            "enable": True,
            "findingPublishingFrequency": "FIFTEEN_MINUTES",
            **TAGS,
        },
        read=_detector,
        shows={"FindingPublishingFrequency": "FIFTEEN_MINUTES", "Status": "ENABLED"},
        change=lambda a: {"findingPublishingFrequency": "ONE_HOUR"},
        then={"FindingPublishingFrequency": "ONE_HOUR"},
        outputs={"arn": ":detector/", "accountId": ACCOUNT},
    ),
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": Case(
        inputs=lambda a: {
            "scanType": "BASIC",
            "rules": [
                {
                    "scanFrequency": "SCAN_ON_PUSH",
                    "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}],
                }
            ],
        },
        read=lambda s: s.api("ecr").get_registry_scanning_configuration(),
        shows={"scanningConfiguration.rules[0].scanFrequency": "SCAN_ON_PUSH"},
        change=lambda a: {
            "rules": [
                {
                    "scanFrequency": "SCAN_ON_PUSH",
                    "repositoryFilters": [{"filter": "mirror*", "filterType": "WILDCARD"}],
                }
            ]
        },
        then={"scanningConfiguration.rules[0].repositoryFilters[0].filter": "mirror*"},
    ),
    "aws:cloudwatch/logStream:LogStream": Case(
        inputs=lambda a: {
            "name": "connections",
            "logGroupName": a.log_group("/vpn").split(":log-group:")[1],
        },
        read=lambda s: s.api("logs").describe_log_streams(logGroupName="/vpn"),
        shows={"logStreams[0].logStreamName": "connections"},
        outputs={"arn": "log-group:/vpn:log-stream:connections"},
    ),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": Case(
        inputs=lambda a: {
            "backupVaultName": a.make("aws:backup/vault:Vault", "locked", name="locked")[0],
            "minRetentionDays": 35,
        },
        read=_lock,
        shows={"Locked": True, "MinRetentionDays": 35},
        change=lambda a: {"minRetentionDays": 14},
        then={"MinRetentionDays": 14},
    ),
}
