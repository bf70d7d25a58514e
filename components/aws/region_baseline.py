"""What every region that an account uses must have before anything is put in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Mapping

REGIONAL_RULES: Mapping[str, str] = {
    "CMK_BACKING_KEY_ROTATION_ENABLED": "Keys rotate",
    "DYNAMODB_PITR_ENABLED": "Tables can be brought back to any minute",
    "EC2_EBS_ENCRYPTION_BY_DEFAULT": "New volumes are encrypted",
    "EC2_IMDSV2_CHECK": "Instances answer metadata requests with a token only",
    "EKS_CLUSTER_LOGGING_ENABLED": "Clusters log",
    "EKS_ENDPOINT_NO_PUBLIC_ACCESS": "Clusters have no public endpoint",
    "EKS_SECRETS_ENCRYPTED": "Clusters encrypt their secrets",
    "ELB_TLS_HTTPS_LISTENERS_ONLY": "Load balancers speak TLS",
    "ENCRYPTED_VOLUMES": "Volumes in use are encrypted",
    "INCOMING_SSH_DISABLED": "No security group lets the world in by SSH",
    "RDS_CLUSTER_DELETION_PROTECTION_ENABLED": "Databases cannot be deleted by accident",
    "RDS_CLUSTER_IAM_AUTHENTICATION_ENABLED": "Databases take IAM's tokens",
    "RDS_INSTANCE_PUBLIC_ACCESS_CHECK": "Databases have no public address",
    "RDS_STORAGE_ENCRYPTED": "Databases are encrypted",
    "S3_BUCKET_PUBLIC_READ_PROHIBITED": "No bucket is readable by the world",
    "S3_BUCKET_PUBLIC_WRITE_PROHIBITED": "No bucket is writable by the world",
    "S3_BUCKET_SSL_REQUESTS_ONLY": "Buckets refuse plain HTTP",
    "S3_BUCKET_VERSIONING_ENABLED": "Buckets keep old versions",
    "VPC_DEFAULT_SECURITY_GROUP_CLOSED": "Default security groups are empty",
    "VPC_FLOW_LOGS_ENABLED": "Networks log their flows",
}
"""AWS Config's managed rules that every region keeps, and what each says."""

GLOBAL_RULES: Mapping[str, str] = {
    "IAM_POLICY_NO_STATEMENTS_WITH_ADMIN_ACCESS": "No policy of ours allows everything",
    "IAM_ROOT_ACCESS_KEY_CHECK": "The root user has no access key",
    "IAM_USER_NO_POLICIES_CHECK": "No IAM user has a policy",
    "MULTI_REGION_CLOUD_TRAIL_ENABLED": "A trail covers all regions",
    "ROOT_ACCOUNT_MFA_ENABLED": "The root user has a second factor",
}
"""Rules on what an account has once; kept in the home region only."""


class RegionBaseline(pulumi.ComponentResource):
    """Recorder, rules and safe defaults of one account in one region.

    An account has one recorder a region, so exactly one baseline may exist for each pair. Global
    resources are recorded where `is_home` is true, so that they are not billed in every region.
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
        )
        rules = {**REGIONAL_RULES, **(GLOBAL_RULES if is_home else {})}
        for identifier, meaning in rules.items():
            label = identifier.lower().replace("_", "-")
            aws.cfg.Rule(
                f"{name}-{label}",
                name=label,
                description=meaning,
                source={"owner": "AWS", "source_identifier": identifier},
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
            opts=pulumi.ResourceOptions(parent=self, depends_on=[recorder]),
        )
        return aws.cfg.RecorderStatus(
            f"{name}-recording",
            name=recorder.name,
            is_enabled=True,
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[channel]),
        )
