"""What every region that an account uses must have before anything is put in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RULES: Mapping[str, str] = {
    "AURORA_RESOURCES_PROTECTED_BY_BACKUP_PLAN": "Databases are in a backup plan",
    "BACKUP_RECOVERY_POINT_ENCRYPTED": "Backups are encrypted",
    "CLOUDWATCH_LOG_GROUP_ENCRYPTED": "Logs are encrypted with a key of ours",
    "CW_LOGGROUP_RETENTION_PERIOD_CHECK": "Logs do not pile up for ever",
    "DYNAMODB_TABLE_ENCRYPTED_KMS": "Tables are encrypted with a key of ours",
    "SECRETSMANAGER_USING_CMK": "Secrets are encrypted with a key of ours",
}
"""AWS Config's managed rules that hold this platform's promises, and what each says.

Only what Security Hub's standards do not check already: those bring some 200 rules of their own to
every account and region, and each rule is billed by evaluation.
"""

SHORTEST_LOG_DAYS = 7
"""The shortest retention that the catalog offers."""

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "CW_LOGGROUP_RETENTION_PERIOD_CHECK": {"MinRetentionTime": str(SHORTEST_LOG_DAYS)},
}


class RegionBaseline(pulumi.ComponentResource):
    """Recorder, rules and safe defaults of one account in one region.

    An account has one recorder a region, so exactly one baseline may exist for each pair. Global
    resources are recorded where `is_home` is true, so that they are not billed in every region.
    `delivery_after` is what lets the recorder into the bucket: Config tries it at once.
    """

    def __init__(
        self,
        name: str,
        *,
        region: str,
        is_home: bool,
        recorder_role_arn: pulumi.Input[str],
        bucket_name: pulumi.Input[str],
        bucket_key_arn: pulumi.Input[str],
        delivery_after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:RegionBaseline", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._safe_defaults(name, region)
        recorder = self._record(
            name,
            region,
            is_home=is_home,
            role_arn=recorder_role_arn,
            bucket_name=bucket_name,
            bucket_key_arn=bucket_key_arn,
            delivery_after=delivery_after,
        )
        for identifier, meaning in RULES.items():
            parameters = PARAMETERS.get(identifier)
            label = identifier.lower().replace("_", "-")
            aws.cfg.Rule(
                f"{name}-{label}",
                name=label,
                description=meaning,
                source={"owner": "AWS", "source_identifier": identifier},
                input_parameters=json.dumps(parameters) if parameters else None,
                region=region,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[recorder]),
            )
        self.register_outputs({})

    def _safe_defaults(self, name: str, region: str) -> None:
        aws.ebs.EncryptionByDefault(
            f"{name}-ebs-encryption", enabled=True, region=region, opts=self._child
        )
        aws.ebs.SnapshotBlockPublicAccess(
            f"{name}-snapshots", state="block-all-sharing", region=region, opts=self._child
        )
        aws.ec2.ImageBlockPublicAccess(
            f"{name}-images", state="block-new-sharing", region=region, opts=self._child
        )
        aws.ec2.InstanceMetadataDefaults(
            f"{name}-metadata",
            http_endpoint="enabled",
            http_tokens="required",
            http_put_response_hop_limit=1,
            instance_metadata_tags="disabled",
            region=region,
            opts=self._child,
        )

    def _record(
        self,
        name: str,
        region: str,
        *,
        is_home: bool,
        role_arn: pulumi.Input[str],
        bucket_name: pulumi.Input[str],
        bucket_key_arn: pulumi.Input[str],
        delivery_after: Sequence[pulumi.Resource],
    ) -> pulumi.Resource:
        recorder = aws.cfg.Recorder(
            f"{name}-recorder",
            name="default",
            role_arn=role_arn,
            recording_group={"all_supported": True, "include_global_resource_types": is_home},
            recording_mode={"recording_frequency": "CONTINUOUS"},
            region=region,
            opts=self._child,
        )
        channel = aws.cfg.DeliveryChannel(
            f"{name}-delivery",
            name="default",
            s3_bucket_name=bucket_name,
            s3_kms_key_arn=bucket_key_arn,
            snapshot_delivery_properties={"delivery_frequency": "TwentyFour_Hours"},
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[recorder, *delivery_after]),
        )
        return aws.cfg.RecorderStatus(
            f"{name}-recording",
            name=recorder.name,
            is_enabled=True,
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[channel]),
        )
